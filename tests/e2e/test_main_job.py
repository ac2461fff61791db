"""The main job: a new revision of the source object ends up on every region's host."""
import hashlib, json, signal

from world import ALL_HOOKS, HOLD, TRACE, action_states, app, targets, until


def test_a_push_alone_deploys_to_every_region(three):
    three.apply(three.pipeline())
    version, view = three.deploy(app("one"))
    assert view["status"] == "Succeeded"
    for worker in three.workers.values():
        assert worker.page() == "one"
        # ApplicationStop runs the scripts of the last successful revision: there is none yet.
        assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]]
    assert view["sameVersion"] == {"regions": 3, "verifiedRegions": 3, "equal": True}
    assert {a["currentRevision"]["revisionId"] for a in action_states(view)} == {version}
    # Nothing is started again for the second revision.
    second, view = three.deploy(app("two"))
    assert view["status"] == "Succeeded"
    for worker in three.workers.values():
        assert worker.page() == "two"
        assert worker.trace()[-5:] == [f"{e} {second}" for e in ALL_HOOKS]
    assert len(three.executions()) == 2


def test_each_region_gets_the_artifact_once_however_many_workers_it_has(three):
    three.add_worker("web-b", "us-east-1")
    three.add_worker("web-c", "us-east-1")
    three.wait_connected()
    three.apply(three.pipeline())
    version, view = three.deploy(app("one"))
    assert view["status"] == "Succeeded"
    assert all(w.page() == "one" for w in three.workers.values())
    copies = {c["region"]: c for c in view["artifacts"]}
    assert set(copies) == set(three.regions)
    assert len({c["sha256"] for c in copies.values()}) == 1
    for region in three.regions[1:]:  # the first region's hosts read the source object itself
        (held,) = three.stored(region)
        assert hashlib.sha256(held.read_bytes()).hexdigest() == copies[region]["sha256"]
        assert copies[region]["bytesTransferred"] == held.stat().st_size


def test_an_execution_goes_on_after_all_daemons_were_stopped_and_started(three):
    three.apply(three.pipeline())
    version = three.push(app("one", hook_text=TRACE + HOLD))
    execution = three.execution_of(version)
    until(lambda: all(w.trace() for w in three.workers.values()), "the first hook on every host")
    assert three.kill_coordinator(signal.SIGTERM) == 0
    for worker in three.workers.values():
        assert worker.kill(signal.SIGTERM) == 0
    for worker in three.workers.values():
        worker.start()
    three.start_coordinator()
    for worker in three.workers.values():
        (worker.home / "go").touch()
    assert three.ended(execution)["status"] == "Succeeded"
    for worker in three.workers.values():
        assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]], "a hook ran twice or not at all"


def test_the_same_definition_twice_changes_nothing(one):
    one.apply(one.pipeline())
    one.apply(one.pipeline())
    assert one.json("list")["pipelines"][0]["version"] == 1


def test_an_execution_is_pinned_to_the_definition_it_began_with(one):
    one.apply(one.pipeline())
    version = one.push(app("one", hook_text=TRACE + HOLD))
    execution = one.execution_of(version)
    until(one.only.trace, "the first hook")
    other = one.pipeline()
    other["pipeline"]["stages"][1]["actions"][0]["name"] = "Renamed"
    one.apply(other)
    (one.only.home / "go").touch()
    view = one.ended(execution)
    assert view["status"] == "Succeeded"
    assert view["pipelineVersion"] == 1
    assert one.json("list")["pipelines"][0]["version"] == 2
    assert [a["actionName"] for a in action_states(view)] == ["Source", "Deploy-us-west-2"]


def test_a_newer_execution_supersedes_the_one_that_waits(one):
    one.apply(one.pipeline())
    first = one.execution_of(one.push(app("one", hook_text=TRACE + HOLD)))
    until(one.only.trace, "the first hook")
    second = one.execution_of(one.push(app("two")))
    third = one.execution_of(one.push(app("three")))
    assert one.ended(second)["status"] == "Superseded"
    (one.only.home / "go").touch()
    assert one.ended(first)["status"] == "Succeeded"
    assert one.ended(third)["status"] == "Succeeded"
    assert one.only.page() == "three"
    assert targets(one.status(second)) == []


def test_events_tell_each_change_once_and_in_order(one):
    one.apply(one.pipeline())
    version, view = one.deploy(app("one"))
    lines = one.meridian("events", "-o", "ndjson").stdout.splitlines()
    seen = [json.loads(line)["seq"] for line in lines]
    assert seen
    assert seen == list(range(seen[0], seen[0] + len(seen)))
