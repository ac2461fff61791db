"""What the client promises: exit codes, errors, JSON, and writes that happen once."""
import json, os, re, select, signal, socket, threading

import pytest

from world import HOLD, REGIONS, TRACE, app, below, size_of, target, until, world


def held(w, name, hook_text=TRACE + HOLD):
    """Applies, pushes, and returns the execution whose first hook waits."""
    before = len(w.only.trace())
    w.apply(w.pipeline(name))
    execution = w.execution_of(w.push(app("page", hook_text=hook_text), name), name)
    until(lambda: len(w.only.trace()) > before, "the first hook")
    return execution


@pytest.fixture
def go(shared):
    """Lets the held hooks go on; none stays behind."""
    path = shared.only.home / "go"
    path.unlink(missing_ok=True)
    yield path.touch
    path.touch()
    until(lambda: not any(w["jobs"] for w in shared.json("workers")["workers"]), "idle workers")
    path.unlink()


# ---- apply ----

@pytest.mark.parametrize("text, place, words", [
    ('{\n  "pipeline": {\n    "name": "broken",,\n  }\n}\n', ":3:22: ", "did not find expected node content"),
    ("", ":1:1", ""),
    ('{"pipeline": []}\n', ":1:14", "map"),
    ('{\n "pipeline": {"name": "x", "stagess": []}\n}\n', ":2:28: ", "did you mean 'stages'"),
])
def test_apply_of_malformed_json_names_file_line_and_column(shared, text, place, words):
    done = shared.apply(text, status=1)
    assert "pipeline.json" + place in done.stderr
    assert words in done.stderr
    assert "broken" not in shared.meridian("list").stdout


@pytest.mark.parametrize("change, words", [
    (lambda p: p["stages"].pop(), "stage"),
    (lambda p: p["stages"][1]["actions"][0].update(region="mars-1"), "mars-1"),
    (lambda p: p["stages"][1]["actions"][0].update(inputArtifacts=[{"name": "Other"}]), "Other"),
    (lambda p: p["stages"][1].update(name="Source"), "Source"),
    (lambda p: p["stages"][0]["actions"][0].update(runOrder=0), "runOrder"),
])
def test_apply_of_a_broken_rule_changes_nothing(shared, change, words):
    shared.apply(shared.pipeline("broken-rule"))
    definition = shared.pipeline("broken-rule")
    change(definition["pipeline"])
    done = shared.apply(definition, status=1)
    places = [line for line in done.stderr.splitlines() if line.startswith(str(shared.folder / "pipeline.json:"))]
    assert places
    assert words in done.stderr
    listed = {p["name"]: p["version"] for p in shared.json("list")["pipelines"]}
    assert listed["broken-rule"] == 1


@pytest.mark.parametrize("change", [
    lambda p: p["stages"][1]["actions"][0]["actionTypeId"].update(provider="ECS"),
    lambda p: p["stages"][1].update(blockers=[{"name": "b"}]),
    lambda p: p.update(triggers=[{"providerType": "CodeStarSourceConnection"}], pipelineType="V2"),
])
def test_apply_of_what_is_not_supported_says_so(shared, change):
    definition = shared.pipeline("unsupported")
    change(definition["pipeline"])
    done = shared.apply(definition, status=1)
    assert "not supported" in done.stderr
    assert "pipeline.json:" in done.stderr
    assert "unsupported" not in shared.meridian("list").stdout


def test_validate_checks_and_changes_nothing(shared):
    path = shared.folder / "valid.json"
    path.write_text(json.dumps(shared.pipeline("validated")))
    assert "valid" in shared.meridian("validate", path).stdout
    assert "validated" not in shared.meridian("list").stdout
    path.write_text("{")
    shared.meridian("validate", path, status=1)


# ---- push, run ----

def test_push_to_a_wrong_place_is_refused(shared):
    path = shared.pack(app("one"))
    done = shared.meridian("push", path, "s3://no-such-store/app.zip", status=None)
    assert done.returncode in (1, 3)
    assert "no-such-store" in done.stderr and "fix: " in done.stderr
    shared.meridian("push", path, "source-bucket/app.zip", status=2)
    done = shared.meridian("push", shared.folder / "nothing.zip", "s3://source-bucket/app.zip", status=None)
    assert done.returncode in (1, 3)
    assert "nothing.zip" in done.stderr


def test_a_push_that_was_killed_goes_on_where_it_stopped(shared):
    path = shared.folder / "large.zip"
    size = 192 << 20
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
    command = ["push", path, "s3://source-bucket/large.zip"]
    store = shared.folder / "stores/source-bucket"

    def partly():
        sizes = [size_of(p) for p in below(store) if p.suffix != ".json"]
        return any((4 << 20) < n < size for n in sizes)
    with shared.start_client(*command) as client:
        until(partly, "the first bytes in the store", pace=0.002)
        client.kill()
    done = shared.meridian(*command)
    (offset,) = re.findall(r"going on at byte (\d+) of", done.stderr)
    assert int(offset) > 4 << 20
    assert len(done.stdout.strip()) == 32
    path.unlink()


class LostAnswer(threading.Thread):
    """A way to the coordinator that breaks with the first answer, and then works.

    Behind the handshake each frame of CURVE begins with its name: the client's first one is the
    request, the coordinator's first one after it is the answer.
    """
    FRAME = b"\x07MESSAGE"

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.lost, self.ended = port, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with near, socket.create_connection(("127.0.0.1", self.port)) as far:
                self.carry(near, far)

    def carry(self, near, far):
        asked = False
        while True:
            ready, _, _ = select.select([near, far], [], [])
            for side in ready:
                data = side.recv(65536)
                if not data:
                    return
                if side is near:
                    asked = asked or self.FRAME in data
                elif asked and self.FRAME in data and not self.lost:
                    self.lost += 1
                    return
                (far if side is near else near).sendall(data)


def test_a_request_whose_answer_was_lost_is_sent_again_and_happens_once(shared):
    shared.apply(shared.pipeline("twice"))
    shared.ended(shared.execution_of(shared.push(app("one"), "twice"), "twice"), "twice")
    before = len(shared.executions("twice"))
    way = LostAnswer(shared.clients_port)
    with way.listener:
        execution = shared.json("run", "twice", "--coordinator", way.address)["pipelineExecutionId"]
    assert way.lost == 1
    assert shared.ended(execution, "twice")["status"] == "Succeeded"
    assert [e["pipelineExecutionId"] for e in shared.executions("twice")].count(execution) == 1
    assert len(shared.executions("twice")) == before + 1


def test_a_coordinator_that_is_stopped_is_unreachable_and_no_stranger(shared):
    os.kill(shared.coordinator.pid, signal.SIGSTOP)
    try:
        done = shared.meridian("list", status=5)
    finally:
        os.kill(shared.coordinator.pid, signal.SIGCONT)
    assert "fix: " in done.stderr
    shared.wait_connected()


def test_run_starts_the_newest_revision_again(shared):
    shared.apply(shared.pipeline("again"))
    version, view = shared.deploy(app("one"), "again")
    execution = shared.json("run", "again")["pipelineExecutionId"]
    assert execution != view["pipelineExecutionId"]
    view = shared.ended(execution, "again")
    assert view["status"] == "Succeeded"
    assert view["sourceRevisions"][0]["revisionId"] == version
    assert view["trigger"]["triggerType"] == "StartPipelineExecution"


def test_run_of_an_older_revision_deploys_that_one(shared):
    shared.apply(shared.pipeline("older"))
    first, view = shared.deploy(app("first"), "older")
    second, view = shared.deploy(app("second"), "older")
    assert shared.only.page("older") == "second"
    execution = shared.json("run", "older", "--revision", first)["pipelineExecutionId"]
    assert shared.ended(execution, "older")["status"] == "Succeeded"
    assert shared.only.page("older") == "first"
    assert len(shared.executions("older")) == 3, "the newer revision was started again"


# ---- stop, wait, watch ----

def test_stop_lets_running_actions_end(shared, go):
    execution = held(shared, "stopped")
    with shared.start_client("wait", "stopped", execution) as waiting:
        shared.meridian("stop", "stopped", execution, "-m", "wrong day", "--yes")
        assert shared.status(execution, "stopped")["status"] == "Stopping"
        go()
        view = shared.ended(execution, "stopped")
        assert view["status"] == "Stopped"
        assert "wrong day" in view["stopTrigger"]["reason"]
        assert waiting.wait(20) == 6
    shared.meridian("watch", "stopped", execution, status=6)
    shared.meridian("stop", "stopped", execution, "--yes", status=6)


def test_stop_abandon_ends_the_running_hook_with_all_that_it_started(shared, go):
    text = TRACE + "echo $$ > abandoned\nsetsid sh -c 'echo $$ >> abandoned; while :; do sleep 1; done' &\n" + HOLD
    execution = held(shared, "abandoned", text)
    until(lambda: len(shared.only.lines("abandoned")) == 2, "the hook's own process")
    stopped = shared.meridian("stop", "abandoned", execution, "--yes", "-o", "json")
    assert json.loads(stopped.stdout) == {"pipelineExecutionId": execution}
    assert f"still busy: {shared.only.name} (" in stopped.stderr
    again = shared.meridian("stop", "abandoned", execution, "--yes", status=6)
    assert "DuplicatedStopRequestException" in again.stderr and "--abandon" in again.stderr
    shared.meridian("stop", "abandoned", execution, "--abandon", "--yes")
    view = shared.ended(execution, "abandoned")
    assert view["status"] == "Stopped"
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in shared.only.lines("abandoned")),
          "the end of the hook's whole tree", 15)
    until(lambda: target(shared.status(execution, "abandoned"))["status"] == "Stopped", "Stopped of the host")
    shared.meridian("wait", "abandoned", execution, status=6)


def test_wait_gives_up_after_its_timeout(shared, go):
    execution = held(shared, "patience")
    shared.meridian("wait", "patience", execution, "--timeout", "1s", status=124)
    shared.meridian("watch", "patience", execution, "--timeout", "1s", status=124)
    go()
    shared.meridian("wait", "patience", execution)
    assert shared.status(execution, "patience")["status"] == "Succeeded"


def test_wait_and_watch_end_with_1_when_the_execution_failed(shared):
    version, view = shared.deploy_new("failing", app("one", hook_text="exit 3\n"))
    assert view["status"] == "Failed"
    shared.meridian("wait", "failing", view["pipelineExecutionId"], status=1)
    done = shared.meridian("watch", "failing", view["pipelineExecutionId"], status=1)
    assert "Failed" in done.stdout + done.stderr


def test_watch_prints_one_line_for_each_change(shared, go):
    execution = held(shared, "watched")
    with shared.start_client("watch", "watched", execution) as watching:
        go()
        out, err = watching.communicate(timeout=30)
    assert watching.returncode == 0
    lines = out.splitlines()
    assert any("AfterInstall" in line and "Succeeded" in line for line in lines), out
    assert any("Deploy-us-west-2" in line for line in lines)
    assert "\x1b" not in out


def test_interrupting_a_wait_leaves_the_execution_alone(shared, go):
    execution = held(shared, "interrupted")
    with shared.start_client("watch", "interrupted", execution) as watching:
        until(lambda: os.read(watching.stdout.fileno(), 1), "the first line")
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=10)
    assert watching.returncode == 130
    assert "meridian stop" in err
    assert shared.status(execution, "interrupted")["status"] == "InProgress"
    go()
    assert shared.ended(execution, "interrupted")["status"] == "Succeeded"


# ---- errors and formats ----

def test_what_does_not_exist_is_exit_3_and_wrong_usage_exit_2(shared):
    for args in (["status", "nothing"], ["history", "nothing"], ["run", "nothing"], ["export", "nothing"],
                 ["status", "nothing", "0123abcd"], ["logs", "01234567"]):
        done = shared.meridian(*args, status=3)
        assert done.stderr.startswith("error: "), args
        assert "  fix: " in done.stderr, args
    for args in (["frobnicate"], ["apply"], ["status", "--no-such-option"], ["list", "-o", "xml"], ["wait"]):
        shared.meridian(*args, status=2)


def test_errors_are_json_with_output_json(shared):
    done = shared.meridian("status", "nothing", "-o", "json", status=3)
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["message"]


def test_every_answer_is_json_with_output_json(shared):
    shared.apply(shared.pipeline("formats"))
    version, view = shared.deploy(app("one"), "formats")
    execution = view["pipelineExecutionId"]
    path = shared.folder / "pipeline.json"
    path.write_text(json.dumps(shared.pipeline("formats"), indent=2))
    for args in (["list"], ["status"], ["status", "formats"], ["status", execution[:8]], ["history", "formats"], ["workers"],
                 ["version"], ["apply", "-f", path], ["apply", "-f", path, "--dry-run"], ["validate", path],
                 ["run", "formats"], ["wait", "formats"], ["export", "formats"],
                 ["push", shared.pack(app("two"), "formats"), "s3://source-bucket/formats.zip"]):
        done = shared.meridian(*args, "-o", "json")
        assert json.loads(done.stdout), args
    shared.ended(shared.executions("formats")[0]["pipelineExecutionId"], "formats")
    for args in (["events"], ["watch", "formats", execution]):
        lines = shared.meridian(*args, "-o", "ndjson").stdout.splitlines()
        assert lines and all(json.loads(line) for line in lines), args
    assert json.loads(shared.meridian("export", "formats").stdout) == shared.pipeline("formats")
    exported = shared.folder / "exported.yml"
    exported.write_text(shared.meridian("export", "formats", "-o", "yaml").stdout)
    assert shared.meridian("apply", "-f", exported).stdout.endswith("unchanged\n")


def test_completion_is_a_script_that_its_shell_accepts(shared):
    import shutil, subprocess
    for shell in ("bash", "zsh", "fish"):
        done = shared.meridian("completion", shell, status=None, config=None)
        if shell == "bash":
            assert done.returncode == 0
        if done.returncode == 0 and shutil.which(shell):
            assert subprocess.run([shell, "-n", "/dev/stdin"], input=done.stdout, text=True).returncode == 0


def test_without_a_coordinator_every_question_is_exit_5():
    with world(regions=REGIONS[:1]) as w:
        for args in (["list"], ["push", w.pack(app("x")), "s3://source-bucket/x.zip"]):
            done = w.meridian(*args, status=5)
            assert done.stderr.startswith("error: ")
            assert "fix: " in done.stderr
