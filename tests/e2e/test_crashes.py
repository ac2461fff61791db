"""kill -9 at any moment: the execution ends right, and no hook runs twice.

The moments are random; MERIDIAN_SEED repeats a run's choices, though not its scheduling.
"""
import collections, os, signal, subprocess, threading

from world import ALL_HOOKS, BIN, DEADLINE_S, HOLD, TRACE, app, generator, pause, until

KILLS = 20
# Long enough that kills hit running hooks, short enough that executions end between two kills.
SLOW = TRACE + "sleep 0.15\n"


class Killer(threading.Thread):
    """Calls `kill` at random moments until it was done so many times."""

    def __init__(self, rng, kill, kills=KILLS, longest=1.2):
        super().__init__(daemon=True)
        self.rng, self.kill, self.kills, self.longest = rng, kill, kills, longest
        self.failure = None
        self.over = threading.Event()
        self.start()

    def run(self):
        try:
            for _ in range(self.kills):
                if self.over.wait(self.rng.uniform(0.02, self.longest)):
                    return
                self.kill()
        except BaseException as failure:  # shown by the test's thread
            self.failure = failure

    def end(self):
        """Before the world of a failed test is taken down: nothing is started in it any more."""
        self.over.set()
        self.join()

    def done(self):
        if self.failure:
            raise self.failure
        return not self.is_alive()


def push(w, entries):
    """As a user whose push failed: again. Returns the version that counts."""
    path = w.pack(entries)

    def tried():
        done = w.meridian("push", path, "s3://source-bucket/xr.zip", status=None)
        assert done.returncode in (0, 5), done.stderr
        return done.stdout.strip() if done.returncode == 0 else None
    return until(tried, "a push that is answered")


def deploy_while(w, killer, seconds=DEADLINE_S):
    """Deploys one revision after the other until the killer is done; then a last one."""
    versions = []
    try:
        while True:
            last = killer.done()
            versions.append(push(w, app(f"page {len(versions)}", hook_text=SLOW)))
            assert w.ended(w.execution_of(versions[-1]), seconds=seconds)["status"] == "Succeeded"
            if last:
                return versions
    finally:
        killer.end()


def check_traces(w, versions, hosts):
    ended = {e["pipelineExecutionId"]: e for e in w.executions()}
    succeeded = {r["revisionId"] for e in ended.values() for r in e["sourceRevisions"] if e["status"] == "Succeeded"}
    assert set(versions) <= succeeded
    for worker in hosts:
        ran = collections.Counter(worker.trace())
        assert not {line: n for line, n in ran.items() if n > 1}, f"{worker.name}: a hook ran twice"
        for version in versions:
            missing = [e for e in ALL_HOOKS[1:] if f"{e} {version}" not in ran]
            assert not missing, f"{worker.name}: {missing} of {version} never ran"
        assert worker.page() == f"page {len(versions) - 1}"


def test_the_coordinator_killed_at_random_moments(three):
    three.apply(three.pipeline())

    def kill():
        three.kill_coordinator()
        three.start_coordinator()
    versions = deploy_while(three, Killer(generator(), kill))
    check_traces(three, versions, three.workers.values())


def test_workers_killed_at_random_moments(three):
    three.apply(three.pipeline())
    rng = generator()

    def kill():
        worker = rng.choice(list(three.workers.values()))
        worker.kill()
        worker.start()
    versions = deploy_while(three, Killer(rng, kill, longest=0.6))
    check_traces(three, versions, three.workers.values())


def test_all_daemons_killed_at_once(three):
    three.apply(three.pipeline())
    rng = generator()

    def kill():
        three.kill_coordinator()
        for worker in three.workers.values():
            worker.kill()
        pause(rng.uniform(0, 0.3))
        for start in rng.sample([three.start_coordinator] + [w.start for w in three.workers.values()], 4):
            start()
    versions = deploy_while(three, Killer(rng, kill, kills=5))
    check_traces(three, versions, three.workers.values())


def test_a_worker_killed_in_the_middle_of_a_hook_finds_it_again(one):
    worker = one.only
    one.apply(one.pipeline())
    version = one.push(app("one", hook_text='echo $$ >> pids\n' + TRACE + HOLD))
    execution = one.execution_of(version)
    until(lambda: worker.lines("pids"), "the first hook")
    worker.kill()
    (pid,) = worker.lines("pids")
    with open(f"/proc/{pid}/cmdline") as file:
        assert "hook" in file.read(), "the hook survives its worker"
    worker.start()
    one.wait_connected()
    with open(f"/proc/{pid}/cmdline") as file:
        assert "hook" in file.read(), "and the start of the next one"
    (worker.home / "go").touch()
    assert one.ended(execution)["status"] == "Succeeded"
    assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]]


def test_a_hook_that_ends_while_its_worker_is_dead_counts(one):
    worker = one.only
    one.apply(one.pipeline())
    version = one.push(app("one", hook_text=TRACE + HOLD + "echo ended >> ends\n"))
    execution = one.execution_of(version)
    until(worker.trace, "the first hook")
    worker.kill()
    (worker.home / "go").touch()
    until(lambda: worker.lines("ends"), "the end of the hook")
    worker.start()
    assert one.ended(execution)["status"] == "Succeeded"
    assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]]


def test_sigterm_ends_both_daemons_cleanly_and_at_once(one):
    assert one.kill_coordinator(signal.SIGTERM) == 0
    assert one.only.kill(signal.SIGTERM) == 0
    one.start_coordinator()
    one.only.start()
    one.wait_connected()


def test_watch_and_wait_go_on_through_a_restart_of_the_coordinator(one):
    one.apply(one.pipeline())
    execution = one.execution_of(one.push(app("one", hook_text=TRACE + HOLD)))
    until(one.only.trace, "the first hook")
    with one.start_client("watch", "xr", execution) as watching, one.start_client("wait", "xr", execution) as waiting:
        until(lambda: os.read(watching.stdout.fileno(), 1), "the first line")
        one.kill_coordinator()
        pause(1)  # long enough for both to see that it is gone
        assert watching.poll() is None and waiting.poll() is None
        one.start_coordinator()
        (one.only.home / "go").touch()
        out, err = watching.communicate(timeout=30)
        assert watching.returncode == 0, err
        assert waiting.wait(20) == 0
    assert "ValidateService Succeeded" in out


def test_the_state_can_be_printed_while_the_daemons_run(one):
    one.apply(one.pipeline())
    version, view = one.deploy(app("one"))
    for program, config in (("coordinator/meridian-coordinator", one.config), ("worker/meridian-worker", one.only.config)):
        done = subprocess.run([BIN / program, "dump", "--config", config], cwd=one.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "\n" in done.stdout
        if "coordinator" in program:
            assert view["pipelineExecutionId"] in done.stdout
            assert version in done.stdout
    second, view = one.deploy(app("two"))
    assert view["status"] == "Succeeded"
