"""A worker that dies at every point of its turns, and in every event.

The points are counted, not timed (killer.c): each life of the worker ends one point later than the one before, from the first
write of its start to some way into its work, while one deployment follows the other.
"""
import threading

import pytest

from test_crashes import check_traces, deploy_while
from world import BIN, HOLD, TRACE, app, target, until

KILLER = BIN / "tests/e2e/libkiller.so"
POINTS = 60


class Lives(threading.Thread):
    """Starts the worker anew whenever it has died, until it has died at every point."""

    def __init__(self, worker):
        super().__init__(daemon=True)
        self.worker, self.point, self.failure = worker, 0, None
        self.over = threading.Event()
        self.start()

    def run(self):
        try:
            for self.point in range(1, POINTS + 1):
                self.worker.start(LD_PRELOAD=str(KILLER), KILLER_POINT=str(self.point))
                while self.worker.process.poll() is None:
                    if self.over.wait(0.005):
                        return
                assert self.worker.process.returncode == -9, f"point {self.point}: {self.worker.process.returncode}"
            self.worker.start()
        except BaseException as failure:  # shown by the test's thread
            self.failure = failure

    def end(self):
        self.over.set()
        self.join()

    def done(self):
        if self.failure:
            raise self.failure
        return not self.is_alive()


def test_a_worker_that_dies_at_every_point_of_its_turns(one):
    one.apply(one.pipeline())
    one.only.kill()
    versions = deploy_while(one, Lives(one.only), seconds=4 * POINTS)  # one may last for most of the lives
    check_traces(one, versions, [one.only])


AROUND = ["BeforeBlockTraffic", "AfterBlockTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"]
EVENTS = AROUND[:2] + ["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"] + AROUND[2:]


@pytest.fixture(scope="module")
def ready(shared):
    """The revision whose scripts stop the old one and block its traffic is there."""
    definition = shared.pipeline()
    definition["pipeline"]["stages"][1]["actions"][0]["meridian"] = {"trafficControl": True}
    shared.apply(definition)
    stand = TRACE + f'[ "$(cat halt)" != "$LIFECYCLE_EVENT" ] || {{ {HOLD}}}\n'
    (shared.only.home / "halt").write_text("")
    version, view = shared.deploy(app("old", hooks=EVENTS, hook_text=stand))
    assert view["status"] == "Succeeded"
    return shared, stand


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("ends", ["under the next worker", "under none"])
def test_a_worker_that_dies_in_an_event(ready, event, ends):
    w, stand = ready
    worker = w.only
    (worker.home / "go").unlink(missing_ok=True)
    (worker.home / "halt").write_text(event)
    version = w.push(app(event, hooks=EVENTS, hook_text=stand))
    execution = w.execution_of(version)
    until(lambda: f"{event} {version}" in worker.trace(), f"the begin of {event}")
    worker.kill()
    if ends == "under none":
        (worker.home / "go").touch()
    worker.start()
    w.wait_connected()
    (worker.home / "go").touch()
    view = w.ended(execution)
    assert view["status"] == "Succeeded", target(view)
    assert [line.split()[0] for line in worker.trace() if line.endswith(version)] == EVENTS
    assert worker.page() == event
