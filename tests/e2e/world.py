"""A coordinator and its workers as real processes on loopback, each with its own folders.

Everything is driven as a user would: configuration files, the client with -o json, signals. Waiting
is always for an event, with a deadline (until()); nothing sleeps and hopes. A world ends every
process that came from it, hooks and their daemons too, and only those: each carries the world's
folder in its environment.
"""
import contextlib, fcntl, json, os, pathlib, random, select, shutil, signal, socket, stat, subprocess, tempfile, time, zipfile

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MERIDIAN_BIN", TOP / "build/release"))
REGIONS = ["us-west-2", "us-east-1", "ap-southeast-2"]
DEADLINE_S = 60
LIVE = []  # worlds whose logs a failing test shows (conftest.py)
MARK = "MERIDIAN_E2E_WORLD"
OPEN = ("Pending", "InProgress", "Stopping")


# ---- waiting ----

def until(check, what, seconds=DEADLINE_S, pace=0.05):
    """Polls `check` until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        pause(pace)


def pause(seconds=0.05):
    """The one nap of these tests: between two looks at the same thing, and before a random kill."""
    select.select([], [], [], seconds)


def below(folder, pattern="*"):
    """The paths below a folder that match, as rglob() finds them, though daemons make and remove some meanwhile."""
    for path, folders, files in os.walk(folder):
        for found in (pathlib.Path(path) / name for name in folders + files):
            if found.match(pattern):
                yield found


def size_of(path):
    """The bytes of a file; 0 of anything else, or of what is gone by now."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def generator():
    """A random generator whose seed is printed; MERIDIAN_SEED=N repeats it."""
    seed = int(os.environ.get("MERIDIAN_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"MERIDIAN_SEED={seed}")
    return random.Random(seed)


class Ports:
    """Ports of 127.0.0.1 that no other world uses until release(), however many run at once.

    They lie below the range that the kernel gives to outgoing connections, and each is held by a
    locked file: so a daemon that was killed finds its port free when it is started again.
    """
    FIRST, LAST = 20000, 32000

    def __init__(self):
        self.folder = pathlib.Path(tempfile.gettempdir()) / f"meridian-e2e-ports.{os.getuid()}"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.locks = []

    def take(self):
        for port in random.SystemRandom().sample(range(self.FIRST, self.LAST), 1000):
            lock = open(self.folder / str(port), "w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            return port
        raise AssertionError("no port is free")

    def release(self):
        for lock in self.locks:
            lock.close()
        self.locks = []


# ---- bundles ----

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
    """A zip of {name: text or (mode, text)}; a mode without a type is a regular file's."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in entries.items():
            mode, text = value if isinstance(value, tuple) else (0o644, value)
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.external_attr = (mode if mode > 0o7777 else 0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return path


def script(text):
    return (0o755, "#!/bin/sh\n" + text)


TRACE = 'echo "$LIFECYCLE_EVENT $MERIDIAN_REVISION" >> "$TRACE"\n'
# Waits for the file `go` in the host's folder, a minute at most.
HOLD = 'n=0; while [ ! -f go ] && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done\n'
ALL_HOOKS = ["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"]
# Every pipeline has a folder of its own on the host, as it has a deployment group (World.pack).
PAGE = "files:\n  - source: /page\n    destination: www/@pipeline@\n"


def app(text, hooks=ALL_HOOKS, hook_text=TRACE, timeout=60):
    """One page and one script for all hooks, which writes a line into the host's trace."""
    return {"appspec.yml": appspec(PAGE, {event: [{"location": "hook", "timeout": timeout}] for event in hooks}),
            "page": text, "hook": script(hook_text)}


def scripts(**by_event):
    """A bundle with one page and a script of its own for each event, timeout 30 s."""
    entries = {"appspec.yml": appspec(PAGE, {e: [{"location": e, "timeout": 30}] for e in by_event}), "page": "page"}
    return entries | {event: script(text) for event, text in by_event.items()}


# ---- processes ----

class Failure(AssertionError):
    """The client ended with another status than expected."""


def descendants_of(folder):
    """Living processes of this world: its folder stands in their environment."""
    mark = f"{MARK}={folder}\0".encode()
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
    return found


class Worker:
    def __init__(self, world, name, region, key=None, state=None, root=None):
        self.world, self.name, self.region = world, name, region
        self.key = key or f"worker-{name}.key"
        self.label = state or name
        self.home = world.folder / "hosts" / self.label
        self.home.mkdir(parents=True)
        self.root = root or self.home / "deployment-root"
        self.state = world.folder / "workers" / self.label
        self.config = world.folder / f"worker-{self.label}.yml"
        self.log = world.folder / f"worker-{self.label}.log"
        self.process = None
        self.configure()

    def configure(self, **changes):
        settings = {
            "name": self.name, "region": self.region,
            "coordinator": f"tcp://127.0.0.1:{self.world.workers_port}",
            "coordinatorKey": "keys/coordinator.pub", "key": f"keys/{self.key}",
            "state": str(self.state), "root": str(self.root), "log": "debug", **changes}
        self.config.write_text("".join(f"{k}: {v}\n" for k, v in settings.items()))

    def start(self, **env):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "worker/meridian-worker", "--config", self.config], cwd=self.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.world.environment(
                    HOST=self.name, REGION=self.region, TRACE=str(self.home / "trace"), **env))
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def trace(self):
        return self.lines("trace")

    def lines(self, name):
        path = self.home / name
        return path.read_text().splitlines() if path.exists() else []

    def page(self, name="xr"):
        return (self.home / "www" / name / "page").read_text()

    def says(self, text):
        return text in self.log.read_text(errors="replace")

    def scripts_log(self):
        return "".join(p.read_text(errors="replace") for p in sorted(below(self.root, "*/*/logs/scripts.log")))


class World:
    def __init__(self, folder, regions=REGIONS, action_timeout="60m"):
        self.folder = pathlib.Path(folder)
        self.regions = regions
        self.ports = Ports()
        self.workers_port, self.clients_port, self.https_port = (self.ports.take() for _ in range(3))
        self.coordinator = None
        self.workers = {}
        self.extra = []  # processes beside the one worker a name
        self.uploads = 0
        self.action_timeout = action_timeout
        self.keys("init")
        self.add_client("operator", "admin")
        self.write_config()

    def environment(self, **more):
        return {**os.environ, MARK: str(self.folder), "NO_COLOR": "1", **more}

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
        with open(self.folder / "coordinator.log", "ab") as log:
            self.coordinator = subprocess.Popen(
                [BIN / "coordinator/meridian-coordinator", "--config", self.config], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())
        return self

    def kill_coordinator(self, number=signal.SIGKILL):
        self.coordinator.send_signal(number)
        return self.coordinator.wait(DEADLINE_S)

    def add_worker(self, name, region, start=True, tags=()):
        self.keys("worker", name, "--region", region, *(word for tag in tags for word in ("--tag", tag)))
        self.workers[name] = Worker(self, name, region)
        if start:
            self.workers[name].start()
        return self.workers[name]

    def add_process(self, worker):
        """A worker's process that is not the one of its name."""
        self.extra.append(worker)
        return worker.start()

    def add_client(self, name, role):
        self.keys("client", name, "--role", role)
        (self.folder / f"{name}.yml").write_text(
            f"coordinator: tcp://127.0.0.1:{self.clients_port}\ncoordinatorKey: {self.folder}/keys/coordinator.pub\n"
            f"key: {self.folder}/keys/client-{name}.key\n")

    def up(self):
        """Coordinator, one worker a region, all connected."""
        for region in self.regions:
            self.add_worker("web-" + region, region, start=False)
        self.start_coordinator()
        for worker in self.workers.values():
            worker.start()
        return self.wait_connected()

    @property
    def only(self):
        """The worker of a world with one."""
        (worker,) = self.workers.values()
        return worker

    def wait_connected(self, names=None):
        def connected():
            seen = self.try_json("workers")
            return {w["name"] for w in (seen or {}).get("workers", []) if w["connected"]} >= set(names or self.workers)
        until(connected, "the connection of all workers")
        return self

    def worker_seen(self, name):
        return next(w for w in self.json("workers")["workers"] if w["name"] == name)

    def close(self):
        daemons = [self.coordinator] + [w.process for w in [*self.workers.values(), *self.extra]]
        for process in daemons:
            if process and process.poll() is None:
                process.terminate()
        for process in daemons:
            if process:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(20)
        self.end_descendants()
        self.ports.release()

    def end_descendants(self):
        def none_left():
            left = descendants_of(self.folder)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left
        until(none_left, "the end of the world's processes", 20)

    def logs(self, lines=60):
        text = ""
        for log in sorted(self.folder.glob("*.log")):
            text += f"---- {log.name} (last lines)\n" + "".join(log.read_text(errors="replace").splitlines(True)[-lines:])
        return text

    # ---- the client ----

    def start_client(self, *args, config="operator.yml", **options):
        env = self.environment(XDG_STATE_HOME=str(self.folder / "client-state"), XDG_CACHE_HOME=str(self.folder / "client-cache"))
        if config:
            env["MERIDIAN_CONFIG"] = str(self.folder / config)
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([BIN / "coordinator/meridian", *map(str, args)], env=env, text=True, **options)

    def meridian(self, *args, status=0, config="operator.yml", timeout=DEADLINE_S, input=None):
        options = {"stdin": subprocess.PIPE} if input is not None else {}
        with self.start_client(*args, config=config, **options) as process:
            try:
                out, err = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        if status is not None and process.returncode != status:
            raise Failure(f"meridian {' '.join(map(str, args))}: exit {process.returncode}, expected {status}\n{out}{err}")
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def keys(self, *args):
        return self.meridian("keys", "--dir", self.folder / "keys", *args, config=None)

    def json(self, *args, **options):
        return json.loads(self.meridian(*args, "-o", "json", **options).stdout)

    def try_json(self, *args):
        """None while the coordinator does not answer."""
        done = self.meridian(*args, "-o", "json", status=None)
        return json.loads(done.stdout) if done.returncode == 0 else None

    # ---- what users do ----

    def pipeline(self, name="xr", regions=None, group=None):
        """Source and Prod; each pipeline has a deployment group of its own unless one is given."""
        def type_id(category, provider):
            return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {"pipeline": {
            "name": name,
            "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStores": {r: {"type": "S3", "location": f"store-{r}"} for r in regions or self.regions},
            "stages": [
                {"name": "Source", "actions": [{
                    "name": "Source", "actionTypeId": type_id("Source", "S3"),
                    "configuration": {"S3Bucket": "source-bucket", "S3ObjectKey": f"{name}.zip"},
                    "outputArtifacts": [{"name": "App"}]}]},
                {"name": "Prod", "actions": [{
                    "name": "Deploy-" + r, "region": r, "actionTypeId": type_id("Deploy", "CodeDeploy"),
                    "configuration": {"ApplicationName": "app", "DeploymentGroupName": group or name},
                    "inputArtifacts": [{"name": "App"}]} for r in regions or self.regions]}],
            "version": 1}}

    def apply(self, definition, status=0):
        path = self.folder / "pipeline.json"
        path.write_text(definition if isinstance(definition, str) else json.dumps(definition, indent=2))
        return self.meridian("apply", "-f", path, status=status)

    def pack(self, entries, name="xr"):
        self.uploads += 1
        if "appspec.yml" in entries:
            entries = entries | {"appspec.yml": entries["appspec.yml"].replace("@pipeline@", name)}
        return bundle(self.folder / f"bundle-{self.uploads}.zip", entries)

    def push(self, entries, name="xr", status=0):
        """Pushes a bundle of these entries; returns the version id."""
        return self.meridian("push", self.pack(entries, name), f"s3://source-bucket/{name}.zip", status=status).stdout.strip()

    def executions(self, name="xr"):
        """Newest first; [] while the coordinator does not answer."""
        return (self.try_json("history", name) or {}).get("pipelineExecutionSummaries", [])

    def execution_of(self, version, name="xr"):
        """Waits for the execution that this version started; returns its id."""
        def look():
            return next((e["pipelineExecutionId"] for e in self.executions(name)
                         if any(r["revisionId"] == version for r in e["sourceRevisions"])), None)
        return until(look, f"the execution of version {version}")

    def status(self, execution, name="xr"):
        return self.json("status", name, execution)

    def reaches(self, execution, *states, name="xr", seconds=DEADLINE_S):
        """Waits, through crashes of the coordinator, for one of these statuses; returns the view."""
        def look():
            view = self.try_json("status", name, execution)
            return view if view and view["status"] in states else None
        return until(look, f"{' or '.join(states)} of execution {execution}", seconds)

    def stored(self, region, logs=False):
        """The files of a region's artifact store: its artifacts, or the logs that jobs have left there."""
        files = below(self.folder / f"stores/store-{region}/objects", "*/*.data")
        return [f for f in files if ("/logs/" in (f.parent / "key").read_text()) == logs]

    def ended(self, execution, name="xr", seconds=DEADLINE_S):
        def look():
            view = self.try_json("status", name, execution)
            return view if view and view["status"] not in OPEN else None
        return until(look, f"the end of execution {execution}", seconds)

    def deploy(self, entries, name="xr"):
        version = self.push(entries, name)
        return version, self.ended(self.execution_of(version, name), name)

    def deploy_new(self, name, entries):
        """A pipeline of its own for this bundle; returns version and view."""
        self.apply(self.pipeline(name))
        return self.deploy(entries, name)


def action_states(view):
    return [a for stage in view["stageStates"] for a in stage["actionStates"]]


def action_of(view, region):
    return next(a for a in action_states(view) if a["actionName"] == "Deploy-" + region)


def targets(view):
    return [t for a in action_states(view) for t in a.get("targets", [])]


def target(view):
    (only,) = targets(view)
    return only


@contextlib.contextmanager
def world(**options):
    folder = tempfile.mkdtemp(prefix="meridian-e2e-")
    w = World(folder, **options)
    LIVE.append(w)
    try:
        yield w
    except BaseException:  # a fixture's failure; a test's own failure does not come here
        print(w.logs())
        raise
    finally:
        LIVE.remove(w)
        w.close()
        shutil.rmtree(folder, ignore_errors=True)
