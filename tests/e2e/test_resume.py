"""Hooks whose process is gone without a result: a lost step, a reboot; and the operator's word.
"""
import contextlib, json, os, signal, subprocess

import pytest

import reboot
import world
from world import HOLD, PAGE, TRACE, appspec, descendants_of, script, target, targets, until

EVENTS = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"]
# One line at each begin; stands still in the event that the file `halt` names, until `go` is there.
STAND = TRACE + 'echo "at work in $LIFECYCLE_EVENT of $MERIDIAN_REVISION"\n' + f'[ "$(cat halt 2>/dev/null)" != "$LIFECYCLE_EVENT" ] || {{ {HOLD}}}\n'


def bundle(rerun=()):
    hooks = {e: [{"location": "hook", "timeout": 120} | ({"rerun": "safe"} if e in rerun else {})] for e in EVENTS}
    return {"appspec.yml": appspec(PAGE, hooks), "page": "page", "hook": script(STAND)}


def begin(w, event, rerun=(), name="xr"):
    """A deployment that stands still in this event; returns version and execution."""
    worker = w.only
    (worker.home / "halt").write_text(event)
    with contextlib.suppress(FileNotFoundError):
        (worker.home / "go").unlink()
    w.apply(w.pipeline(name))
    version = w.push(bundle(rerun), name)
    execution = w.execution_of(version, name)
    until(lambda: f"{event} {version}" in worker.trace(), f"the begin of {event}")
    until(lambda: f"at work in {event} of {version}" in worker.scripts_log(), "its first words in the log")
    return version, execution


def steps_of(w):
    """The step processes of the world, as their command lines tell."""
    found = []
    for pid in descendants_of(w.folder):
        with contextlib.suppress(OSError):
            words = open(f"/proc/{pid}/cmdline").read().split("\0")
            if words[0].endswith("meridian-step"):
                found.append(pid)
    return found


def lose_step(w):
    for pid in until(lambda: steps_of(w), "a step process"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def waits(w, execution, name="xr"):
    def look():
        view = w.try_json("status", name, execution)
        return view if view and any(t.get("interrupted") for t in targets(view)) else None
    return until(look, "an interrupted host")


def ran(w, version):
    return [line.split()[0] for line in w.only.trace() if line.endswith(version)]


def test_an_interrupted_hook_waits_and_begins_again_only_on_the_operator_s_word(shared):
    version, execution = begin(shared, "AfterInstall", name="rerun")
    lose_step(shared)
    seen = target(waits(shared, execution, "rerun"))
    assert seen["status"] == "InProgress"
    said = seen["diagnostics"]
    assert said["errorCode"] == "FailedAfterRestart" and said["lifecycleEventName"] == "AfterInstall"
    assert said["scriptName"] == "hook" and "at work in AfterInstall" in said["logTail"]
    boot = open("/proc/sys/kernel/random/boot_id").read().strip()
    for part in (boot, "its processes still ran and were ended", f"meridian resume {execution}", "meridian stop rerun"):
        assert part in said["message"], said["message"]
    tree = shared.meridian("status", "rerun", execution).stdout
    assert "Interrupted" in tree and "--rerun-step" in tree
    assert ran(shared, version) == ["BeforeInstall", "AfterInstall"]
    (shared.only.home / "go").touch()
    shared.meridian("resume", execution, status=2)
    shared.meridian("resume", execution, "--rerun-step", "--host", "nobody", status=6)
    done = shared.json("resume", execution, "--rerun-step", "--host", shared.only.name)
    assert done == {"pipelineExecutionId": execution, "resumed": "rerun-step"}
    assert shared.ended(execution, "rerun")["status"] == "Succeeded"
    assert ran(shared, version) == ["BeforeInstall", "AfterInstall", "AfterInstall", "ApplicationStart", "ValidateService"]
    shared.meridian("resume", execution, "--skip-step", status=6)


def test_an_interrupted_hook_is_skipped(shared):
    version, execution = begin(shared, "BeforeInstall", name="skip")
    lose_step(shared)
    waits(shared, execution, "skip")
    shared.meridian("resume", "skip", "--skip-step")
    view = shared.ended(execution, "skip")
    assert view["status"] == "Succeeded"
    assert ran(shared, version) == EVENTS
    events = {e["lifecycleEventName"]: e["status"] for e in target(view)["lifecycleEvents"]}
    assert events["BeforeInstall"] == "Skipped" and events["AfterInstall"] == "Succeeded"


def test_a_stop_ends_what_waits(shared):
    version, execution = begin(shared, "ApplicationStart", name="stop")
    lose_step(shared)
    waits(shared, execution, "stop")
    shared.meridian("stop", "stop", execution, "--yes")
    assert shared.ended(execution, "stop")["status"] == "Stopped"
    assert ran(shared, version) == EVENTS[:3]


def test_a_hook_that_is_safe_begins_again_by_itself(shared):
    version, execution = begin(shared, "AfterInstall", rerun=["AfterInstall"], name="safe")
    lose_step(shared)
    until(lambda: ran(shared, version).count("AfterInstall") == 2, "its second begin")
    (shared.only.home / "go").touch()
    assert shared.ended(execution, "safe")["status"] == "Succeeded"


def test_the_word_outlives_worker_and_coordinator(one):
    version, execution = begin(one, "ValidateService")
    lose_step(one)
    waits(one, execution)
    one.only.kill()
    (one.only.home / "go").touch()
    one.meridian("resume", "xr", "--rerun-step")
    one.kill_coordinator()
    one.start_coordinator()
    one.only.start()
    assert one.ended(execution)["status"] == "Succeeded"
    assert ran(one, version) == EVENTS + ["ValidateService"]


def test_a_local_deployment_tells_what_was_interrupted(tmp_path):
    entries = {"appspec.yml": appspec("", {"AfterInstall": [{"location": "hook"}]}),
               "hook": script("echo last words\nsleep 0.2\nkill -9 $PPID\n")}
    command = [world.BIN / "worker/meridian-worker", "deploy-local", "--root-dir", tmp_path / "root",
               world.bundle(tmp_path / "bundle.zip", entries)]
    done = subprocess.run(command + ["-o", "json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["result"] == "Unknown"
    (event,) = (e for e in told["events"] if e["status"] != "Succeeded")
    assert event["event"] == "AfterInstall" and event["status"] == "Unknown"
    assert event["diagnostics"]["script_name"] == "hook"
    assert "had begun at" in event["diagnostics"]["message"]
    assert "last words" in event["diagnostics"]["log"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "error: AfterInstall: Unknown\n" in done.stderr and "had begun at" in done.stderr, done.stderr


# ---- reboots ----

@pytest.fixture
def host():
    if not reboot.possible():
        pytest.skip("no pid and mount namespaces here")
    with world.world(regions=world.REGIONS[:1]) as w:
        region = w.regions[0]
        w.keys("worker", "web-" + region, "--region", region)
        w.workers["web-" + region] = reboot.Host(w, "web-" + region, region)
        w.start_coordinator()
        w.only.start()
        yield w.wait_connected()
        w.only.halt()  # unshare does not hand on SIGTERM


@pytest.mark.parametrize("verb", ["--rerun-step", "--skip-step"])
def test_after_a_reboot_the_operator_decides(host, verb):
    version, execution = begin(host, "AfterInstall")
    host.only.reboot()
    said = target(waits(host, execution))["diagnostics"]["message"]
    assert (host.only.home / "boot_id").read_text().strip() not in said, "the boot in which it had begun is named"
    (host.only.home / "go").touch()
    host.meridian("resume", execution, verb)
    assert host.ended(execution)["status"] == "Succeeded"
    assert ran(host, version).count("AfterInstall") == (2 if verb == "--rerun-step" else 1)


def test_a_revoked_key_ends_the_deployment_and_the_hook_goes_on_alone(one):
    version, execution = begin(one, "AfterInstall")
    one.keys("revoke", one.only.name)
    view = one.ended(execution)
    assert view["status"] == "Failed"
    assert "revoked" in target(view)["cause"]
    assert ran(one, version) == ["BeforeInstall", "AfterInstall"], "it gets no new step by our doing"
