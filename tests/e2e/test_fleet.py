"""Workers that are missing, doubled, revoked or strange."""
import contextlib, re, shutil, signal

import pytest

from world import ALL_HOOKS, HOLD, REGIONS, TRACE, Worker, action_of, app, until, world


@contextlib.contextmanager
def half_a_fleet(action_timeout):
    """Two regions, a worker in the first only."""
    with world(regions=REGIONS[:2], action_timeout=action_timeout) as w:
        w.add_worker("web", REGIONS[0], start=False)
        w.start_coordinator()
        w.only.start()
        yield w.wait_connected()


@pytest.fixture
def half():
    with half_a_fleet("60s") as w:
        yield w


def waits_for(w, execution, text, region):
    said = []

    def look():
        latest = action_of(w.status(execution), region)["latestExecution"]
        said[:] = [latest.get("summary", "") + latest.get("waitsFor", "")]
        return text in said[0]
    try:
        until(look, f"'{text}' of the action", 10)
    except AssertionError as failure:
        raise AssertionError(f"{failure}; it said: {said}") from None


def test_a_region_without_a_worker_is_named_and_fails_at_the_deadline():
    with half_a_fleet("10s") as w:
        region_without_a_worker(w)


def region_without_a_worker(w):
    w.apply(w.pipeline())
    execution = w.execution_of(w.push(app("one")))
    waits_for(w, execution, "no worker is enrolled in region us-east-1", "us-east-1")
    assert "no worker is enrolled in region us-east-1" in w.meridian("status", "xr", execution).stdout
    view = w.ended(execution)
    assert view["status"] == "Failed"
    assert action_of(view, "us-west-2")["latestExecution"]["status"] == "Succeeded"
    failed = action_of(view, "us-east-1")["latestExecution"]
    assert failed["status"] == "Failed"
    assert "timed out after 10 s" in failed["errorDetails"]["message"]
    assert "us-east-1" in failed["errorDetails"]["message"]


def test_a_worker_that_joins_before_the_deadline_gets_the_job(half):
    w = half
    w.apply(w.pipeline())
    execution = w.execution_of(w.push(app("one")))
    waits_for(w, execution, "no worker is enrolled", "us-east-1")
    late = w.add_worker("late", "us-east-1")
    assert w.ended(execution)["status"] == "Succeeded"
    assert late.page() == "one"


def test_a_worker_that_is_not_connected_is_named_and_gets_the_job_when_it_comes(half):
    w = half
    away = w.add_worker("away", "us-east-1", start=False)
    w.apply(w.pipeline())
    execution = w.execution_of(w.push(app("one")))
    waits_for(w, execution, "no worker of region us-east-1 is connected", "us-east-1")
    away.start()
    assert w.ended(execution)["status"] == "Succeeded"
    assert away.page() == "one"


def test_of_two_workers_with_one_name_the_first_goes_on_and_an_alarm_is_shown(one):
    first = one.only
    second = one.add_process(Worker(one, first.name, first.region, state="second"))
    alarm = until(lambda: one.worker_seen(first.name).get("alarm"), "the alarm")
    assert "two workers use this name" in alarm
    assert "two workers use this name" in one.meridian("workers").stdout
    until(lambda: second.says("another worker with this name and key is connected"), "the refusal in its log")
    one.apply(one.pipeline())
    version, view = one.deploy(app("one"))
    assert view["status"] == "Succeeded"
    assert first.page() == "one"
    assert not (second.home / "www").exists(), "the second was given a job"
    second.kill(signal.SIGTERM)
    version, view = one.deploy(app("two"))
    assert first.page() == "two"


def test_a_worker_with_an_empty_disk_never_repeats_what_it_cannot_know(one):
    worker = one.only
    one.apply(one.pipeline())
    version = one.push(app("one", hook_text=TRACE + HOLD))
    execution = one.execution_of(version)
    until(worker.trace, "the first hook")
    worker.kill()
    (worker.home / "go").touch()
    shutil.rmtree(worker.state)
    worker.start()
    view = one.ended(execution)
    assert view["status"] == "Failed"
    (target,) = action_of(view, "us-west-2")["targets"]
    assert target["status"] == "Unknown"
    assert "it cannot be known which hooks have run" in target["diagnostics"]["message"]
    assert worker.trace() == [f"BeforeInstall {version}"]
    # The next deployment is a new job: it runs.
    version, view = one.deploy(app("two"))
    assert view["status"] == "Succeeded"


def test_a_revoked_key_ends_the_workers_connection(one):
    name = one.only.name
    one.keys("revoke", name)
    until(lambda: not any(w["name"] == name and w["connected"] for w in one.json("workers")["workers"]), "the revocation")
    one.apply(one.pipeline())
    execution = one.execution_of(one.push(app("one")))
    waits_for(one, execution, "no worker is enrolled in region us-west-2", "us-west-2")


def test_an_unknown_workers_key_is_not_admitted(one):
    with world(regions=REGIONS[:1]) as stranger:
        stranger.keys("worker", "stranger", "--region", REGIONS[0])
        shutil.copy(stranger.folder / "keys/worker-stranger.key", one.folder / "keys")
    worker = one.add_process(Worker(one, "stranger", REGIONS[0]))
    until(lambda: worker.says("not admitted"), "'not admitted' in the worker's log")
    assert worker.process.poll() is None, "it goes on trying"
    assert [w["name"] for w in one.json("workers")["workers"]] == [one.only.name]


def test_an_unknown_clients_key_is_refused_with_exit_4(one):
    with world(regions=REGIONS[:1]) as stranger:
        stranger.add_client("stranger", "admin")
        shutil.copy(stranger.folder / "keys/client-stranger.key", one.folder / "keys")
    text = (one.folder / "operator.yml").read_text().replace("client-operator.key", "client-stranger.key")
    (one.folder / "stranger.yml").write_text(text)
    done = one.meridian("list", config="stranger.yml", status=4)
    assert "error: " in done.stderr
    assert "fix: " in done.stderr


def disguise(w, key, kind, as_key):
    """A key of one kind in a file that says it is another's."""
    text = (w.folder / "keys" / key).read_text()
    (w.folder / "keys" / as_key).write_text(re.sub("kind: '.*'", f"kind: '{kind}'", text))
    (w.folder / "keys" / as_key).chmod(0o600)


def test_a_workers_key_is_no_clients_key_nor_the_other_way_round(one):
    name = one.only.name
    # Said by the client itself as long as the file is honest about it ...
    text = (one.folder / "operator.yml").read_text()
    (one.folder / "wrong.yml").write_text(text.replace("client-operator.key", f"worker-{name}.key"))
    assert "is the key of a worker" in one.meridian("list", config="wrong.yml", status=2).stderr
    # ... and else by the coordinator.
    disguise(one, f"worker-{name}.key", "client", "client-disguised.key")
    (one.folder / "wrong.yml").write_text(text.replace("client-operator.key", "client-disguised.key"))
    one.meridian("list", config="wrong.yml", status=4)
    disguise(one, "client-operator.key", "worker", "worker-disguised.key")
    worker = one.add_process(Worker(one, "operator", REGIONS[0], key="worker-disguised.key"))
    until(lambda: worker.says("not admitted"), "'not admitted' in the worker's log")
    assert [w["name"] for w in one.json("workers")["workers"]] == [name]


def test_a_viewer_may_look_and_nothing_else(one):
    one.add_client("viewer", "viewer")
    one.apply(one.pipeline())
    until(lambda: one.meridian("list", config="viewer.yml", status=None).returncode == 0, "the viewer's admission")
    one.push(app("one"))
    path = one.folder / "pipeline.json"
    for args in (["apply", "-f", path], ["run", "xr"], ["stop", "xr", "--yes"],
                 ["push", one.pack(app("two")), "s3://source-bucket/xr.zip"]):
        done = one.meridian(*args, config="viewer.yml", status=4)
        assert "error: " in done.stderr
