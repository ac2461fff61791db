"""Bundles and hosts that are broken: an error that says so, and nothing half-done."""
import os, stat, subprocess, zipfile

import pytest

from world import PAGE, REGIONS, TRACE, Worker, action_of, app, appspec, below, scripts, size_of, target, targets, until, world


def installed(w, name):
    return (w.only.home / "www" / name).exists()


def test_a_zip_without_appspec_fails_and_names_what_is_missing(shared):
    version, view = shared.deploy_new("bare", {"page": "page"})
    assert view["status"] == "Failed"
    assert "appspec.yml" in target(view)["diagnostics"]["message"]
    assert not installed(shared, "bare")


@pytest.mark.parametrize("name, text, words", [
    ("tab", "version: 0.0\nos: linux\nfiles:\n\t- source: /\n", ["appspec.yml:4:1", "tab"]),
    ("timeout", "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: x\n      timeout: soon\n",
     ["appspec.yml:6:16", "timeout"]),
    ("windows", "version: 0.0\nos: beos\n", ["appspec.yml:2:5", "linux"]),
    ("empty", "", ["appspec.yml", "empty"]),
])
def test_a_broken_appspec_is_named_with_file_line_and_column(shared, name, text, words):
    version, view = shared.deploy_new("spec-" + name, {"appspec.yml": text, "page": "page"})
    assert view["status"] == "Failed"
    message = target(view)["diagnostics"]["message"]
    for word in words:
        assert word in message
    assert not installed(shared, "spec-" + name)


@pytest.mark.parametrize("name, entry, word", [
    ("dots", {"../../evil": "x"}, ".."),
    ("link", {"out": (stat.S_IFLNK | 0o777, "/etc"), "out/evil": "x"}, "link"),
    ("device", {"null": (stat.S_IFCHR | 0o666, "")}, "special"),
    ("fifo", {"pipe": (stat.S_IFIFO | 0o666, "")}, "special"),
])
def test_a_hostile_archive_is_refused_before_anything_is_installed(shared, name, entry, word):
    version, view = shared.deploy_new("evil-" + name, app("evil") | entry)
    assert view["status"] == "Failed"
    told = target(view)["diagnostics"]
    assert told["lifecycleEventName"] == "DownloadBundle"
    assert next(iter(entry)).split("/")[-1] in told["message"] or word in told["message"]
    assert not installed(shared, "evil-" + name)
    assert not list(below(shared.folder, "evil"))


def test_an_absolute_name_in_an_archive_stays_inside_the_revision(shared):
    """As with tar and unzip, which the agent calls: such bundles deploy."""
    version, view = shared.deploy_new("absolute", app("inside") | {"/tmp/meridian-e2e-inside": "x"})
    assert view["status"] == "Succeeded"
    assert installed(shared, "absolute")
    assert list(below(shared.folder, "deployment-archive/tmp/meridian-e2e-inside"))
    assert not os.path.exists("/tmp/meridian-e2e-inside")


def test_a_gigabyte_of_zeros_in_a_megabyte_is_refused(shared):
    """The ten gigabytes are a unit test's: making such a zip takes half a minute."""
    path = shared.pack(app("bomb"), "bomb")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros", "w", force_zip64=True) as member:
            for _ in range(128):
                member.write(bytes(8 << 20))
    shared.apply(shared.pipeline("bomb"))
    version = shared.meridian("push", path, "s3://source-bucket/bomb.zip").stdout.strip()
    view = shared.ended(shared.execution_of(version, "bomb"), "bomb")
    assert view["status"] == "Failed"
    assert "times its size" in target(view)["diagnostics"]["message"]
    assert not installed(shared, "bomb")
    (left,) = below(shared.only.root, target(view)["deploymentId"])
    assert sum(map(size_of, below(left))) < 8 << 20, "what was unpacked is still there"


def test_a_failed_deployment_leaves_the_last_good_one_in_place(one):
    one.apply(one.pipeline())
    version, view = one.deploy(app("good"))
    assert view["status"] == "Succeeded"
    broken = app("bad", hooks=["BeforeInstall"], hook_text="exit 1\n")
    version, view = one.deploy(broken)
    assert view["status"] == "Failed"
    assert one.only.page() == "good"
    missing = app("bad", hooks=[]) | {"appspec.yml": appspec(PAGE + "  - source: /nothing\n    destination: www\n")}
    version, view = one.deploy(missing)
    assert view["status"] == "Failed"
    assert one.only.page() == "good"
    version, view = one.deploy(app("better"))
    assert view["status"] == "Succeeded"
    assert one.only.page() == "better"


def test_a_corrupted_artifact_in_one_region_is_refused_there_and_nowhere_else(three):
    """The first host of the region copies, then a bit of the copy flips, then the second one fetches."""
    region = "us-east-1"
    worker = three.workers["web-" + region]
    second = three.add_worker("web-late", region, start=False)
    three.apply(three.pipeline())
    execution = three.execution_of(three.push(app("one")))
    until(lambda: any(t["targetId"] == worker.name and t["status"] == "Succeeded"
                      for t in action_of(three.status(execution), region)["targets"]), "the first host's end")
    (copy,) = three.stored(region)
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(copy, 0o600)
    copy.write_bytes(data)
    second.start()
    view = three.ended(execution)
    assert view["status"] == "Failed"
    told = next(t for t in targets(view) if t["targetId"] == second.name)
    assert told["status"] == "Failed"
    assert told["diagnostics"]["lifecycleEventName"] == "DownloadBundle"
    assert "sha256" in told["diagnostics"]["message"].lower() or "digest" in told["diagnostics"]["message"]
    assert second.trace() == []
    assert not (second.home / "www").exists()
    for other in three.regions:
        if other != region:
            assert action_of(view, other)["latestExecution"]["status"] == "Succeeded"
            assert three.workers["web-" + other].page() == "one"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small file system: mount: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_full_disk_is_an_error_with_figures_and_leaves_nothing_half_done(small_disk):
    with world(regions=REGIONS[:1]) as w:
        w.start_coordinator()
        w.keys("worker", "web", "--region", REGIONS[0])
        w.workers["web"] = worker = Worker(w, "web", REGIONS[0], root=small_disk / "root")
        worker.start()
        w.wait_connected()
        w.apply(w.pipeline())
        version, view = w.deploy(app("good"))
        assert view["status"] == "Succeeded"
        full = small_disk / "full"
        full.write_bytes(os.urandom(1 << 20))
        version, view = w.deploy(app("big") | {"large": os.urandom(3 << 20).hex()})
        assert view["status"] == "Failed"
        message = target(view)["diagnostics"]["message"]
        assert "free" in message and "bytes" in message
        assert worker.page() == "good"
        assert "big" not in worker.trace()
        full.unlink()
        version, view = w.deploy(app("better"))
        assert view["status"] == "Succeeded"
        assert worker.page() == "better"
