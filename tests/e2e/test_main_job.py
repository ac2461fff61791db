"""The main job: a new revision of the source object ends up on every region's host."""
import hashlib, json, signal

import pytest

from world import appspec, script, until, world

TRACE = 'echo "$LIFECYCLE_EVENT $BUNDLE_VERSION" >> "$TRACE"\n'
ALL_HOOKS = ["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"]


def app(text, hooks=ALL_HOOKS, hook_text=TRACE):
    return {
        "appspec.yml": appspec("files:\n  - source: /page\n    destination: www\n",
                               {event: [{"location": "hook", "timeout": 60}] for event in hooks}),
        "page": text, "hook": script(hook_text)}


@pytest.fixture
def three():
    with world() as w:
        yield w.up()


def targets(view):
    return [t for stage in view["stageStates"] for a in stage["actionStates"] for t in a.get("targets", [])]


def test_a_push_alone_deploys_to_every_region(three):
    three.apply(three.pipeline())
    version, view = three.deploy(app("one"))
    assert view["status"] == "Succeeded"
    for worker in three.workers.values():
        assert (worker.home / "www/page").read_text() == "one"
        # ApplicationStop runs the scripts of the last successful revision: there is none yet.
        assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]]
    second, view = three.deploy(app("two"))
    assert view["status"] == "Succeeded"
    for worker in three.workers.values():
        assert (worker.home / "www/page").read_text() == "two"
        assert worker.trace()[-5:] == [f"{e} {second}" for e in ALL_HOOKS]


def test_each_region_gets_the_artifact_once(three):
    three.add_worker("web-extra", "us-east-1")
    three.wait_connected()
    three.apply(three.pipeline())
    version, view = three.deploy(app("one"))
    assert view["status"] == "Succeeded"
    copies = {c["region"]: c for c in view["artifacts"]}
    assert set(copies) == set(three.regions)
    assert len({c["sha256"] for c in copies.values()}) == 1
    for region in three.regions[1:]:
        held = list((three.folder / f"stores/store-{region}/objects").glob("*/*.data"))
        assert len(held) == 1
        assert hashlib.sha256(held[0].read_bytes()).hexdigest() == copies[region]["sha256"]


def test_an_execution_goes_on_after_both_daemons_were_restarted(three):
    three.apply(three.pipeline())
    version = three.push(app("one", hook_text=TRACE + 'while [ ! -f go ]; do read -t 1 x </dev/zero || :; done\n'
                             .replace("read -t 1 x </dev/zero || :", "sleep 0.1")))
    execution = three.execution_of(version)
    until(lambda: all(w.trace() for w in three.workers.values()), "the first hook on every host")
    assert three.kill_coordinator(signal.SIGTERM) == 0
    for worker in three.workers.values():
        worker.kill()
        worker.start()
    three.start_coordinator()
    for worker in three.workers.values():
        (worker.home / "go").touch()
    assert three.ended(execution)["status"] == "Succeeded"
    for worker in three.workers.values():
        assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]], "a hook ran twice or not at all"


def test_the_same_definition_twice_changes_nothing(three):
    three.apply(three.pipeline())
    three.apply(three.pipeline())
    assert three.json("list")["pipelines"][0]["version"] == 1


def test_events_tell_each_change_once_and_in_order(three):
    three.apply(three.pipeline())
    version, view = three.deploy(app("one"))
    lines = three.meridian("events", "-o", "ndjson").stdout.splitlines()
    seen = [json.loads(line)["seq"] for line in lines]
    assert seen == sorted(set(seen))
    assert seen == list(range(seen[0], seen[0] + len(seen)))
