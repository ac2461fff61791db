"""A coordinator and its workers as real processes on loopback, each with its own folders.

Everything is driven as a user would: configuration files, the client with -o json, signals. Waiting
is always for an event, with a deadline (until()); nothing sleeps and hopes.
"""
import contextlib, json, os, pathlib, select, shutil, signal, socket, subprocess, tempfile, time, zipfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MERIDIAN_BIN", TOP / "build/release"))
REGIONS = ["us-west-2", "us-east-1", "ap-southeast-2"]
DEADLINE_S = 90


def until(check, what, seconds=DEADLINE_S):
    """Polls `check` until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        pause()


def pause():
    """The one nap of these tests: between two looks at the same thing."""
    select.select([], [], [], 0.05)


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def appspec(files="", hooks=None, extra=""):
    text = "version: 0.0\nos: linux\n" + (files or "") + extra
    if hooks:
        text += "hooks:\n"
        for event, scripts in hooks.items():
            text += f"  {event}:\n"
            for script in scripts:
                text += "    - " + "\n      ".join(f"{k}: {v}" for k, v in script.items()) + "\n"
    return text


def bundle(path, entries):
    """A zip of {name: text or (mode, text)}."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in entries.items():
            mode, text = value if isinstance(value, tuple) else (0o644, value)
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return path


def script(text):
    return (0o755, "#!/bin/sh\n" + text)


class Failure(AssertionError):
    """The client ended with another status than expected."""


class Worker:
    def __init__(self, world, name, region):
        self.world, self.name, self.region = world, name, region
        self.home = world.folder / "hosts" / name
        self.home.mkdir(parents=True)
        self.root = self.home / "deployment-root"
        self.state = world.folder / "workers" / name
        self.config = world.folder / f"worker-{name}.yml"
        self.process = None
        self.configure()

    def configure(self, **changes):
        settings = {
            "name": self.name, "region": self.region,
            "coordinator": f"tcp://127.0.0.1:{self.world.workers_port}",
            "coordinatorKey": "keys/coordinator.pub", "key": f"keys/worker-{self.name}.key",
            "state": str(self.state), "root": str(self.root), "log": "debug", **changes}
        self.config.write_text("".join(f"{k}: {v}\n" for k, v in settings.items()))

    def start(self, **env):
        log = open(self.world.folder / f"worker-{self.name}.log", "ab")
        self.process = subprocess.Popen(
            [BIN / "worker/meridian-worker", "--config", self.config], cwd=self.home, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, env={**os.environ, "HOST": self.name, "REGION": self.region,
                                         "TRACE": str(self.trace_file), **env})
        log.close()
        return self

    @property
    def trace_file(self):
        return self.home / "trace"

    def trace(self):
        return self.trace_file.read_text().splitlines() if self.trace_file.exists() else []

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


class World:
    def __init__(self, folder, regions=REGIONS, action_timeout="60m"):
        self.folder = pathlib.Path(folder)
        self.regions = regions
        self.workers_port, self.clients_port, self.https_port = free_ports(3)
        self.coordinator = None
        self.workers = {}
        self.uploads = 0
        self.action_timeout = action_timeout
        self.meridian("keys", "--dir", self.folder / "keys", "init", connect=False)
        self.meridian("keys", "--dir", self.folder / "keys", "client", "operator", "--role", "admin", connect=False)
        self.write_config()
        (self.folder / "client.yml").write_text(
            f"coordinator: tcp://127.0.0.1:{self.clients_port}\ncoordinatorKey: {self.folder}/keys/coordinator.pub\n"
            f"key: {self.folder}/keys/client-operator.key\n")

    def write_config(self):
        stores = [("source-bucket", self.regions[0])] + [(f"store-{r}", r) for r in self.regions]
        self.config = self.folder / "coordinator.yml"
        self.config.write_text(
            f"region: {self.regions[0]}\nstate: coordinator\nkeys: keys\nactionTimeout: {self.action_timeout}\nlog: debug\n"
            f"listen:\n  workers: tcp://127.0.0.1:{self.workers_port}\n  clients: tcp://127.0.0.1:{self.clients_port}\n"
            f"artifacts:\n  listen: 127.0.0.1:{self.https_port}\nstores:\n" +
            "".join(f"  - {{ name: {n}, region: {r}, path: stores/{n} }}\n" for n, r in stores))

    # ---- processes ----

    def start_coordinator(self):
        log = open(self.folder / "coordinator.log", "ab")
        self.coordinator = subprocess.Popen(
            [BIN / "coordinator/meridian-coordinator", "--config", self.config], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        return self

    def kill_coordinator(self, number=signal.SIGKILL):
        self.coordinator.send_signal(number)
        return self.coordinator.wait(DEADLINE_S)

    def add_worker(self, name, region, start=True):
        self.meridian("keys", "--dir", self.folder / "keys", "worker", name, "--region", region, connect=False)
        self.workers[name] = Worker(self, name, region)
        if start:
            self.workers[name].start()
        return self.workers[name]

    def up(self):
        """Coordinator, one worker a region, all connected."""
        self.start_coordinator()
        for region in self.regions:
            self.add_worker("web-" + region, region)
        self.wait_connected()
        return self

    def wait_connected(self):
        def connected():
            seen = self.try_json("workers")
            names = {w["name"] for w in (seen or {}).get("workers", []) if w["connected"]}
            return names >= set(self.workers)
        until(connected, "the connection of all workers")

    def close(self):
        for process in [self.coordinator] + [w.process for w in self.workers.values()]:
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(20)

    # ---- the client ----

    def meridian(self, *args, status=0, connect=True, timeout=DEADLINE_S, stdin=None):
        env = {**os.environ, "XDG_STATE_HOME": str(self.folder / "client-state"), "NO_COLOR": "1"}
        if connect:
            env["MERIDIAN_CONFIG"] = str(self.folder / "client.yml")
        done = subprocess.run([BIN / "coordinator/meridian", *map(str, args)], env=env, timeout=timeout, text=True,
                              stdin=stdin or subprocess.DEVNULL, capture_output=True)
        if status is not None and done.returncode != status:
            raise Failure(f"meridian {' '.join(map(str, args))}: exit {done.returncode}, expected {status}\n"
                          f"{done.stdout}{done.stderr}")
        return done

    def json(self, *args, **options):
        return json.loads(self.meridian(*args, "-o", "json", **options).stdout)

    def try_json(self, *args):
        """None while the coordinator does not answer."""
        done = self.meridian(*args, "-o", "json", status=None)
        return json.loads(done.stdout) if done.returncode == 0 else None

    # ---- what users do ----

    def pipeline(self, name="xr", regions=None):
        def type_id(category, provider):
            return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {"pipeline": {
            "name": name,
            "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStores": {r: {"type": "S3", "location": f"store-{r}"} for r in self.regions},
            "stages": [
                {"name": "Source", "actions": [{
                    "name": "Source", "actionTypeId": type_id("Source", "S3"),
                    "configuration": {"S3Bucket": "source-bucket", "S3ObjectKey": f"{name}.zip"},
                    "outputArtifacts": [{"name": "App"}]}]},
                {"name": "Prod", "actions": [{
                    "name": "Deploy-" + r, "region": r, "actionTypeId": type_id("Deploy", "CodeDeploy"),
                    "configuration": {"ApplicationName": "app", "DeploymentGroupName": "web"},
                    "inputArtifacts": [{"name": "App"}]} for r in regions or self.regions]}],
            "version": 1}}

    def apply(self, definition, status=0):
        path = self.folder / "pipeline.json"
        path.write_text(json.dumps(definition, indent=2))
        return self.meridian("apply", "-f", path, status=status)

    def push(self, entries, name="xr", status=0):
        """Pushes a bundle of these entries; returns the version id."""
        self.uploads += 1
        path = bundle(self.folder / f"bundle-{self.uploads}.zip", entries)
        return self.meridian("push", path, f"s3://source-bucket/{name}.zip", status=status).stdout.strip()

    def execution_of(self, version, name="xr"):
        """Waits for the execution that this version started; returns its id."""
        def look():
            for execution in (self.try_json("history", name) or {}).get("pipelineExecutionSummaries", []):
                if any(r["revisionId"] == version for r in execution["sourceRevisions"]):
                    return execution["pipelineExecutionId"]
        return until(look, f"the execution of version {version}")

    def status(self, execution, name="xr"):
        return self.json("status", name, execution)

    def ended(self, execution, name="xr", seconds=DEADLINE_S):
        """Waits for the end, through crashes of the coordinator; returns the view."""
        def look():
            view = self.try_json("status", name, execution)
            return view if view and view["status"] not in ("InProgress", "Stopping", "Pending") else None
        return until(look, f"the end of execution {execution}", seconds)

    def deploy(self, entries, name="xr"):
        version = self.push(entries, name)
        return version, self.ended(self.execution_of(version, name), name)


@contextlib.contextmanager
def world(**options):
    folder = tempfile.mkdtemp(prefix="meridian-e2e-")
    w = World(folder, **options)
    try:
        yield w
    except BaseException:
        for log in sorted(w.folder.glob("*.log")):
            print(f"---- {log.name} (last lines)")
            print("".join(log.read_text(errors="replace").splitlines(True)[-60:]))
        raise
    finally:
        w.close()
        shutil.rmtree(folder, ignore_errors=True)
