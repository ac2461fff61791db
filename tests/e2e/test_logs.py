"""Logs outlive their hosts: at a job's end they go to the region's store."""
import shutil, signal

from world import TRACE, app, scripts, until


def log_object(w, region="us-west-2"):
    return w.stored(region, logs=True)


def test_a_log_is_read_after_its_host_is_gone(one):
    one.apply(one.pipeline())
    _, view = one.deploy(app("one", hook_text=TRACE + 'printf "words of the hook\\033[31m\\n"; echo trouble >&2\n'))
    assert view["status"] == "Succeeded"
    until(lambda: log_object(one), "the log in the store")
    until(lambda: not list((one.only.state / "jobs").glob("*")), "the end of the job's folder")
    before = one.meridian("logs", "xr").stdout
    assert "[stdout]words of the hook" in before and "[stderr]trouble" in before
    one.only.kill(signal.SIGKILL)
    shutil.rmtree(one.only.state)
    shutil.rmtree(one.only.root)
    assert one.meridian("logs", "xr").stdout == before
    one.only.start()  # another incarnation, which knows nothing
    one.wait_connected()
    assert one.meridian("logs", "xr").stdout == before
    assert one.meridian("logs", "xr", "-f").stdout == before


def test_the_log_of_a_failed_deployment_is_kept_as_well(one):
    one.apply(one.pipeline())
    _, view = one.deploy(scripts(AfterInstall="echo last words; exit 3\n"))
    assert view["status"] == "Failed"
    until(lambda: log_object(one), "the log in the store")
    one.only.kill()
    assert "[stdout]last words" in one.meridian("logs", "xr").stdout


def test_a_worker_that_is_killed_at_the_end_keeps_the_log_later(one):
    one.apply(one.pipeline())
    version = one.push(app("one", hook_text=TRACE + "echo kept\n"))
    execution = one.execution_of(version)
    until(lambda: len(one.only.trace()) >= 3, "hooks")
    one.only.kill()
    one.only.start()
    assert one.ended(execution)["status"] == "Succeeded"
    until(lambda: log_object(one), "the log in the store")
    until(lambda: not list((one.only.state / "jobs").glob("*")), "the end of the job's folder")
