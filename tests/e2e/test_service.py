"""The worker as a service: the units that are installed, cgroups, and new programs in the middle of a hook."""
import os, pathlib, re, shutil, subprocess

import pytest

import world
from world import ALL_HOOKS, BIN, HOLD, PAGE, TRACE, Worker, app, appspec, script, target, until

UNITS = ["meridian-worker.service", "meridian-coordinator.service"]


# ---- units ----

def unit(name):
    return (BIN / "deploy" / name).read_text()


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_unit(name, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    text = re.sub(r"=\S+/bin/meridian-(\w+)", lambda m: f"={BIN}/{m[1]}/meridian-{m[1]}", unit(name))
    assert "@CMAKE" not in text
    (tmp_path / name).write_text(text.replace("User=meridian\nGroup=meridian\n", "User=daemon\n"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / name],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not [line for line in done.stderr.splitlines() if name in line], done.stderr


def test_the_worker_s_unit_keeps_steps_alive_and_hooks_free():
    keys = dict(re.findall(r"^(\w+)=(.*)$", unit("meridian-worker.service"), re.M))
    assert (keys["KillMode"], keys["Delegate"], keys["Type"], keys["Restart"]) == ("process", "yes", "notify", "always")
    assert not {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID", "User"} & set(keys)


# ---- cgroups ----

def cgroup_mount():
    for line in open("/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return pathlib.Path(before.split()[4])
    return None


class Service(Worker):
    """As systemd starts it: in a group of its own that is marked as delegated."""
    group = None

    def start(self, **env):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', self.group, BIN / "worker/meridian-worker",
                 "--config", self.config], cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.world.environment(HOST=self.name, REGION=self.region, TRACE=str(self.home / "trace"), **env))
        return self

    def groups(self):
        return sorted(p.name for p in self.group.glob("meridian-step-*"))


@pytest.fixture
def service():
    mount = cgroup_mount()
    group = mount / f"meridian-e2e-{os.getpid()}" if mount else None
    try:
        if not group:
            raise OSError("no cgroup v2 is mounted")
        group.mkdir()
        os.setxattr(group, "user.delegate", b"1")
    except OSError as error:
        pytest.skip(f"no delegated group of cgroup v2 can be made here: {error}")
    try:
        with world.world(regions=world.REGIONS[:1]) as w:
            w.keys("worker", "web", "--region", w.regions[0])
            w.workers["web"] = Service(w, "web", w.regions[0])
            w.only.group = group
            w.start_coordinator()
            w.only.start()
            yield w.wait_connected()
    finally:
        (group / "cgroup.kill").write_text("1")
        until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "the group's end", 20)
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)


def group_of(pid):
    return next(line.split("::")[1].strip() for line in open(f"/proc/{pid}/cgroup") if line.startswith("0::"))


def test_a_hook_lies_in_a_group_of_its_own_through_a_restart_of_the_worker(service):
    worker = service.only
    service.apply(service.pipeline())
    version = service.push(app("one", hook_text='echo $$ >> pids\n' + TRACE + HOLD))
    execution = service.execution_of(version)
    until(lambda: worker.lines("pids"), "the first hook")
    pid = worker.lines("pids")[0]
    assert re.search(r"/meridian-e2e-\d+/meridian-step-\d+-\d+/script-0$", group_of(pid))
    assert group_of(worker.process.pid).endswith(worker.group.name)
    worker.kill()
    worker.start()
    (worker.home / "go").touch()
    assert service.ended(execution)["status"] == "Succeeded"
    assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]]
    until(lambda: not worker.groups(), "the removal of the empty groups")


def test_a_timeout_ends_what_forks_faster_than_anybody_looks(service):
    worker = service.only
    chain = ('cat > chain <<\'E\'\n#!/bin/sh\n[ -e stop ] || setsid "$0" &\necho >> links\nE\n'
             'chmod +x chain\ntrap "" TERM\n./chain\nsleep 600\n')
    entries = {"appspec.yml": appspec(PAGE, {"AfterInstall": [{"location": "hook", "timeout": 1}]}),
               "page": "page", "hook": script(chain)}
    try:
        version, view = service.deploy_new("xr", entries)
        assert view["status"] == "Failed"
        assert target(view)["diagnostics"]["errorCode"] == "ScriptTimedOut"
        links = len(worker.lines("links"))
        assert links > 5
        until(lambda: not worker.groups(), "the removal of the empty groups")
        assert len(worker.lines("links")) == links, "it goes on"
    finally:
        (worker.home / "stop").touch()


# ---- upgrades ----

def install(folder, version=None):
    """The worker's programs, each a new file in the place of the old one; of another version if one is given."""
    folder.mkdir(exist_ok=True)
    for name in ("meridian-worker", "meridian-step", "meridian-fetch"):
        data = (BIN / "worker" / name).read_bytes()
        if version:
            own = re.search(rb"meridian-worker (\d+\.\d+\.\d+)\0", (BIN / "worker/meridian-worker").read_bytes())[1]
            assert len(own) == len(version)
            data = data.replace(own + b"\0", version + b"\0")
        new = folder / (name + ".new")
        new.write_bytes(data)
        new.chmod(0o755)
        (folder / name).unlink(missing_ok=True)
        new.rename(folder / name)


class Installed(Worker):
    def start(self, **env):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.home / "bin/meridian-worker", "--config", self.config], cwd=self.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.world.environment(
                    HOST=self.name, REGION=self.region, TRACE=str(self.home / "trace"), **env))
        return self


@pytest.fixture
def installed():
    with world.world(regions=world.REGIONS[:1]) as w:
        w.keys("worker", "web", "--region", w.regions[0])
        w.workers["web"] = Installed(w, "web", w.regions[0])
        install(w.only.home / "bin")
        w.start_coordinator()
        w.only.start()
        yield w.wait_connected()


@pytest.mark.parametrize("restart", ["after the hook", "during the hook", "before the files"])
def test_new_programs_in_the_middle_of_a_hook(installed, restart):
    """The running step keeps its old program, is found again by the new worker, and what follows is new."""
    w, worker = installed, installed.only
    w.apply(w.pipeline())
    version = w.push(app("one", hook_text='echo $$ $PPID >> pids\n' + TRACE + HOLD))
    execution = w.execution_of(version)
    until(lambda: worker.lines("pids"), "the first hook")
    pid, step = worker.lines("pids")[0].split()
    old = w.worker_seen("web")["version"]
    if restart == "before the files":
        worker.kill()
    install(worker.home / "bin", b"9.9.9")
    if restart != "before the files":
        worker.kill()
    if restart == "after the hook":
        (worker.home / "go").touch()
        until(lambda: not pathlib.Path(f"/proc/{step}").exists(), "the end of the step")
    worker.start()
    w.wait_connected()
    until(lambda: w.worker_seen("web")["version"] == "9.9.9", "the new worker's version")
    assert old != "9.9.9"
    if restart != "after the hook":
        assert os.readlink(f"/proc/{step}/exe").endswith("meridian-step (deleted)")
        assert pathlib.Path(f"/proc/{pid}").exists()
        (worker.home / "go").touch()
    assert w.ended(execution)["status"] == "Succeeded"
    assert worker.trace() == [f"{e} {version}" for e in ALL_HOOKS[1:]], "each ran once"
    assert worker.page() == "one"
