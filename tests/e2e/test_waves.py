"""Regions of a stage: waves, what a failure in one means for the others, and the barrier."""
from world import action_of, app, until


def in_waves(w, name, **rules):
    definition = w.pipeline(name)
    definition["pipeline"]["stages"][1]["meridian"] = rules
    w.apply(definition)
    return definition


def one_each(w, **last):
    waves = [{"regions": [r]} for r in w.regions]
    waves[0] |= last
    return waves


def pages(w, name):
    return [worker.page(name) for worker in w.workers.values()]


def hooks(event, region):
    """Scripts that fail at that event in that region."""
    return f'echo "$LIFECYCLE_EVENT" >> "$TRACE"\nif [ "$LIFECYCLE_EVENT $REGION" = "{event} {region}" ]; then exit 1; fi\n'


def test_waves_begin_one_after_the_other(three):
    in_waves(three, "rings", waves=one_each(three))
    plan = three.meridian("plan", "-f", three.folder / "pipeline.json").stdout
    assert "wave 1 of 3" in plan and "wave 3 of 3" in plan
    _, view = three.deploy(app("first"), "rings")
    assert view["status"] == "Succeeded"
    times = [action_of(view, r)["latestExecution"] for r in three.regions]
    for before, after in zip(times, times[1:]):
        assert before["lastStatusChange"] <= after["startTime"]
    assert [action_of(view, r)["wave"] for r in three.regions] == [1, 2, 3]
    assert '"waves"' in three.meridian("export", "rings").stdout


def test_a_bake_survives_a_restart_and_is_ended_by_a_stop(three):
    in_waves(three, "bakes", waves=one_each(three, bakeMinutes=60))
    execution = three.execution_of(three.push(app("first"), "bakes"), "bakes")

    def bake():
        view = three.try_json("status", "bakes", execution)
        return view and view["stageStates"][1].get("bake")

    until(bake, "the bake")
    end = bake()
    assert end["wave"] == 1
    assert "bakes until" in three.meridian("status", "bakes").stdout
    why = three.meridian("why", execution).stdout
    assert "WaveBakes" in why and "WaveAwaited" in why
    three.kill_coordinator()
    three.start_coordinator()
    until(bake, "the bake after the restart")
    assert bake() == end
    three.meridian("stop", "bakes", execution, "--yes")
    view = three.ended(execution, "bakes")
    assert view["status"] == "Stopped"
    assert action_of(view, three.regions[1])["latestExecution"]["status"] == "Pending"


def test_after_a_failure_every_region_has_what_it_had(three):
    in_waves(three, "rings", onFailure="all", waves=one_each(three))
    three.deploy(app("first"), "rings")
    _, bad = three.deploy(app("second", hook_text=hooks("AfterInstall", three.regions[1])), "rings")
    assert bad["status"] == "Failed"
    back = three.executions("rings")[0]["pipelineExecutionId"]
    view = three.ended(back, "rings")
    assert (view["status"], view["executionType"]) == ("Succeeded", "ROLLBACK")
    assert pages(three, "rings") == ["first"] * 3


def test_nobody_installs_when_one_region_cannot_be_prepared(three):
    in_waves(three, "gates", barrier=True)
    _, good = three.deploy(app("first"), "gates")
    assert good["status"] == "Succeeded"
    _, bad = three.deploy(app("second", hook_text=hooks("BeforeInstall", three.regions[2])), "gates")
    assert bad["status"] == "Failed"
    assert pages(three, "gates") == ["first"] * 3
    message = action_of(bad, three.regions[0])["latestExecution"]["errorDetails"]["message"]
    assert "nothing is installed" in message
    _, good = three.deploy(app("third"), "gates")
    assert good["status"] == "Succeeded"
    assert pages(three, "gates") == ["third"] * 3
