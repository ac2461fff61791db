"""deploy/demo as a new user runs it, from another folder."""
import os, re, shutil, subprocess, urllib.request

import pytest

import s3
from world import BIN, TOP


@pytest.fixture
def demo(tmp_path):
    home = tmp_path / "demo"
    env = {**os.environ, "MERIDIAN_DEMO": str(home), "MERIDIAN_BIN": str(BIN)}

    def run(*args, status=0):
        done = subprocess.run([TOP / "deploy/demo", *args], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=110)
        assert done.returncode == status, done.stdout
        return done.stdout
    run.home = home
    yield run
    run("stop")


def ours(home):
    """Living processes that carry the demo's folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if f"MERIDIAN_DEMO_OF={home}\0".encode() in file.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def check_output(out):
    versions = re.findall(r"^same version in 3 regions: (\S{20,32})$", out, re.M)
    assert len(set(versions)) == 2, out
    for version in versions:
        assert len(re.findall(rf"^http://127\.0\.0\.1:\d+/ .* version {re.escape(version)} ", out, re.M)) == 3
    assert len(re.findall("release: second", out)) == 3
    return re.findall(r"^(http://127\.0\.0\.1:\d+/) ", out, re.M)


def test_the_demo_runs_and_leaves_nothing_behind(demo):
    check_output(demo())
    assert ours(demo.home) == []


def test_the_demo_runs_on_real_buckets(demo):
    if not all(shutil.which(name) for name in s3.NEEDED):
        pytest.skip("no gateway: tests/support/install-packages gateway")
    out = demo("--s3")
    check_output(out)
    assert len(re.findall(r"versioned; allowed: list read write delete", out)) == 4
    assert ours(demo.home) == []
    assert not (demo.home / "gateway").exists() or not list((demo.home / "gateway").glob("run/*.pid"))


def test_the_demo_can_be_kept_run_again_and_stopped(demo):
    check_output(demo("--keep"))
    assert len(ours(demo.home)) >= 7
    addresses = check_output(demo("--keep"))[-3:]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for address in addresses:
        assert "release: second" in opener.open(address, timeout=5).read().decode()
    demo("stop")
    assert ours(demo.home) == []
    demo("stop")


def test_the_demo_never_removes_a_folder_that_is_not_its_own(demo):
    demo.home.mkdir()
    (demo.home / "precious").write_text("x")
    assert "not a demo's folder" in demo(status=1)
    assert (demo.home / "precious").exists()


def test_wrong_usage_is_explained(demo):
    assert "usage: " in demo("--frobnicate", status=1)
