"""Hooks that fail, hang, are missing, or leave daemons behind."""
import os, time

from world import HOLD, PAGE, TRACE, app, appspec, script, scripts, target, until


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids):
    return not any(alive(int(pid)) for pid in pids)


def test_a_hook_that_fails_shows_its_exit_code_and_the_end_of_its_log(shared):
    version, view = shared.deploy_new("fails", scripts(
        AfterInstall="echo about to fail\necho the disk is on fire >&2\nexit 7\n", ApplicationStart=TRACE))
    assert view["status"] == "Failed"
    failed = target(view)
    assert failed["status"] == "Failed"
    told = failed["diagnostics"]
    assert told["errorCode"] == "ScriptFailed"
    assert told["lifecycleEventName"] == "AfterInstall"
    assert told["scriptName"].endswith("AfterInstall")
    assert "exit code 7" in told["message"]
    assert "[stdout]about to fail" in told["logTail"]
    assert "[stderr]the disk is on fire" in told["logTail"]
    tree = shared.meridian("status", "fails").stdout
    assert "exit code 7" in tree
    assert "the disk is on fire" in tree
    assert "meridian logs " in tree
    assert shared.only.trace() == [], "the next event was run"


def test_a_hook_that_hangs_is_ended_at_its_timeout_with_all_that_it_started(shared):
    text = ("echo $$ >> hung\nsetsid sh -c 'echo $$ >> hung; trap \"\" TERM; while :; do sleep 1; done' &\n"
            "trap '' TERM\nwhile :; do sleep 1; done\n")
    entries = {"appspec.yml": appspec(PAGE, {"BeforeInstall": [{"location": "hook", "timeout": 1}]}),
               "page": "page", "hook": script(text)}
    began = time.monotonic()
    version, view = shared.deploy_new("hangs", entries)
    assert view["status"] == "Failed"
    assert target(view)["diagnostics"]["errorCode"] == "ScriptTimedOut"
    assert "1 second" in target(view)["diagnostics"]["message"]
    assert time.monotonic() - began < 20
    pids = shared.only.lines("hung")
    assert len(pids) == 2
    until(lambda: gone(pids), "the end of the hook's whole tree", 5)


def test_a_hook_that_is_missing_fails_its_event(shared):
    entries = {"appspec.yml": appspec(PAGE, {"ApplicationStart": [{"location": "no/such/script"}]}), "page": "page"}
    version, view = shared.deploy_new("missing", entries)
    assert view["status"] == "Failed"
    told = target(view)["diagnostics"]
    assert told["errorCode"] == "ScriptMissing"
    assert "no/such/script" in told["message"]


def test_a_hook_whose_daemon_keeps_the_output_open_has_succeeded(shared):
    name = "daemon"
    began = time.monotonic()
    version, view = shared.deploy_new(name, scripts(
        ApplicationStart="sh -c 'echo $$ >> daemon; while :; do sleep 0.2; echo still here; done' &\necho started\n"))
    assert view["status"] == "Succeeded"
    assert time.monotonic() - began < 15
    (pid,) = shared.only.lines("daemon")
    assert alive(int(pid)), "the daemon was killed"
    log = until(lambda: [line for line in shared.only.scripts_log().splitlines() if pid in line],
                "the holder's number in the log")
    assert "sh" in log[0]
    os.kill(int(pid), 15)


def test_a_hook_without_execute_permission_is_made_executable(shared):
    entries = scripts(AfterInstall=TRACE)
    entries["AfterInstall"] = (0o644, entries["AfterInstall"][1])
    version, view = shared.deploy_new("plain", entries)
    assert view["status"] == "Succeeded"
    assert f"AfterInstall {version}" in shared.only.trace()


def test_hooks_know_their_deployment(shared):
    version, view = shared.deploy_new("knows", scripts(AfterInstall="env > environment\n"))
    assert view["status"] == "Succeeded"
    known = dict(line.split("=", 1) for line in shared.only.lines("environment") if "=" in line)
    assert known["LIFECYCLE_EVENT"] == "AfterInstall"
    assert known["DEPLOYMENT_ID"] == target(view)["deploymentId"]
    assert known["APPLICATION_NAME"] == "app"
    assert known["DEPLOYMENT_GROUP_NAME"] == "knows"
    assert known["MERIDIAN_REVISION"] == version
    assert known["BUNDLE_BUCKET"] == "source-bucket"
    assert known["BUNDLE_VERSION"] == version, "the primary region's bundle is the source object itself"
    assert known["HOST"] == shared.only.name


def test_binary_output_of_a_hook_is_shown_escaped(shared):
    version, view = shared.deploy_new("binary", scripts(
        AfterInstall="printf '\\377\\000\\033[31mred\\n'\nexit 1\n"))
    told = target(view)["diagnostics"]
    assert "red" in told["logTail"]
    assert "\x1b" not in told["logTail"]
    assert "\x1b[31mred" not in shared.meridian("status", "binary").stdout


def test_logs_shows_what_the_hooks_printed(shared):
    version, view = shared.deploy_new("logs", scripts(AfterInstall="echo from a hook\n"))
    out = shared.meridian("logs", view["pipelineExecutionId"]).stdout
    assert "LifecycleEvent - AfterInstall" in out
    assert "[stdout]from a hook" in out


def test_logs_follow_shows_lines_as_they_come_and_ends_with_the_execution(shared):
    shared.apply(shared.pipeline("follow"))
    worker = shared.only
    execution = shared.execution_of(shared.push(scripts(
        AfterInstall="echo first line\n" + HOLD + "rm -f go\necho second line\n"), "follow"), "follow")
    until(lambda: "first line" in worker.scripts_log(), "the first line")
    out_path = shared.folder / "followed"
    with open(out_path, "w") as out, shared.start_client("logs", "-f", execution, stdout=out) as follower:
        try:
            until(lambda: "first line" in out_path.read_text(), "the first line at the client")
            assert "second line" not in out_path.read_text()
            (worker.home / "go").touch()
            until(lambda: "second line" in out_path.read_text(), "the second line at the client")
            until(lambda: follower.poll() is not None, "the end of logs -f")
        finally:
            follower.kill()
    assert follower.returncode == 0
    assert shared.ended(execution, "follow")["status"] == "Succeeded"
