"""Benchmarks of the running system: the swarm on a real coordinator, and real daemons in tests/e2e's world."""
import json, os, pathlib, shutil, statistics, subprocess, time

from table import Row, make_bundle, paired, run, run_json, settle
from world import BIN, REGIONS, Ports, pause, until, world

RAW, SWARM, HISTORY = (BIN / f"tests/bench/bench_{name}" for name in ("raw", "swarm", "history"))
ROUND_TRIP_AIM, RATE_AIM = ("<=", 1.3), (">=", 0.5)
KIB_OF_MIB = 1024
HEARTBEAT_S = 0.95  # coordinator/shell/runtime.c


def type_id(category, provider):
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def definition(name, actions):
    """Source, then deploy actions side by side, each of its own application: one job a worker and action."""
    return {"pipeline": {
        "name": name, "roleArn": "arn:aws:iam::123456789012:role/p",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [{
                "name": "Source", "actionTypeId": type_id("Source", "S3"),
                "configuration": {"S3Bucket": "source", "S3ObjectKey": "app.zip"},
                "outputArtifacts": [{"name": "App"}]}]},
            {"name": "Prod", "actions": [{
                "name": f"Deploy-{i}", "actionTypeId": type_id("Deploy", "CodeDeploy"),
                "configuration": {"ApplicationName": f"{name}-{i}", "DeploymentGroupName": "all"},
                "inputArtifacts": [{"name": "App"}]} for i in range(actions)]}],
        "version": 1}}


class Swarm:
    """A coordinator and the folders of a swarm of `count` workers."""

    def __init__(self, folder, count):
        self.folder, self.count = folder, count
        folder.mkdir()
        run(SWARM, "prepare", folder, count)
        self.held = Ports()
        self.ports = [self.held.take() for _ in range(3)]
        (folder / "coordinator.yml").write_text(
            "region: us-west-2\nstate: state\nkeys: keys\n"
            f"listen:\n  workers: {self.endpoint(0)}\n  clients: {self.endpoint(1)}\n"
            f"artifacts:\n  listen: 127.0.0.1:{self.ports[2]}\n"
            "stores:\n  - { name: source, region: us-west-2, path: store }\n"
            "  - { name: artifacts, region: us-west-2, path: artifacts }\n")

    def endpoint(self, i):
        return f"tcp://127.0.0.1:{self.ports[i]}"

    def measure(self, mode, amount, pipelines, actions):
        files = []
        for i in range(pipelines):
            files.append(self.folder / f"load{i}.json")
            files[-1].write_text(json.dumps(definition(f"load{i}", actions)))
        with open(self.folder / "coordinator.log", "wb") as log:
            coordinator = subprocess.Popen(
                [BIN / "coordinator/meridian-coordinator", "--config", self.folder / "coordinator.yml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            return run_json(SWARM, mode, self.folder, self.count, self.endpoint(0), self.endpoint(1), amount, *files)
        finally:
            coordinator.terminate()
            coordinator.wait()
            shutil.rmtree(self.folder / "state", ignore_errors=True)


def commits(folder, puts, count):
    database = folder / f"raw-{puts}"
    database.mkdir()
    settle()
    result = run_json(RAW, "commits", database, puts, count)
    shutil.rmtree(database)
    return result


def round_trip(folder, size):
    rounds = []
    for i in range(size.rounds):
        echo, commit = run_json(RAW, "echo", 1, 1), commits(folder, 1, size.commits)
        ours = Swarm(folder / f"swarm{i}", 1).measure("round-trip", size.runs, 1, 1)
        rounds.append((ours, echo["round_trip_us"], commit["commit_us"]))
    def part(figure, key, floor, aim=None):
        return paired(figure, [(o[key], floor(e, c)) for o, e, c in rounds], "us", aim)
    return [
        part("job round trip, p50", "round_trip_us", lambda e, c: e + 3 * c, ROUND_TRIP_AIM),
        part("  submit to offer (1 commit)", "submit_to_offer_us", lambda e, c: e / 2 + c),
        part("  in the worker (1 commit)", "worker_us", lambda e, c: c),
        part("  result to seen (1 commit)", "result_to_seen_us", lambda e, c: e / 2 + c)]


def load_of(workers):
    """Pipelines and actions of each that keep so many workers busy. An execution has at most 1,000 jobs, a stage 50
    actions. No more than 3,000 jobs at a time: the store keeps 10,000 events, and the client has to read them all."""
    actions = max(1, min(50, 1000 // workers))
    return min(8, 3000 // (workers * actions)), actions


def jobs(folder, size):
    rows = []
    for workers in size.workers:
        def raw():
            return run_json(RAW, "echo", workers, size.seconds)["per_s"], commits(folder, 100, size.commits)["puts_per_s"]
        before = raw()
        ours = Swarm(folder / f"swarm{workers}", workers).measure("rate", size.seconds, *load_of(workers))
        echoes, puts = ((a + b) / 2 for a, b in zip(before, raw()))
        strict = min(echoes, puts)
        needed = min(echoes / (ours["messages_per_job"] / 2), puts / ours["events_per_job"])
        rows.append(Row(f"jobs/s, {workers:,} workers", ours["jobs_per_s"], strict, "1/s", RATE_AIM))
        rows.append(Row("  per message and put", ours["jobs_per_s"], needed, "1/s"))
    return rows


# ---- real daemons ----

def deploy(w, bundle, name="xr"):
    """Seconds from the push to the end of the execution it starts."""
    begun = time.monotonic()
    version = w.meridian("push", bundle, f"s3://source-bucket/{name}.zip", timeout=600).stdout.strip()
    execution = w.execution_of(version, name)
    w.meridian("wait", name, execution, timeout=600)
    return time.monotonic() - begun


def by_hand(folder, bundle):
    begun = time.monotonic()
    for region in REGIONS:
        (folder / region).mkdir(parents=True)
        run("cp", bundle, folder / region / "bundle.zip")
        run("unzip", "-q", folder / region / "bundle.zip", "-d", folder / region / "app")
    took = time.monotonic() - begun
    shutil.rmtree(folder)
    return took


def push(folder, size):
    rows = []
    for label, total, files in size.pushes:
        bundle = make_bundle(folder / "bundle.zip", "www", total, files)
        settle()
        peer = by_hand(folder / "by-hand", bundle)
        settle()
        with world() as w:
            w.up()
            w.apply(w.pipeline())
            ours = deploy(w, bundle)
            held = sum(1 for p in (w.workers["web-" + REGIONS[0]].home / "www").rglob("*") if p.is_file())
            assert held == files, f"{held} of {files} files were deployed"
        rows.append(Row(f"push to three regions deployed, {label}", ours, peer, "s"))
    return rows


# ---- idle ----

def threads_of(pid):
    return [pathlib.Path(f"/proc/{pid}/task") / t for t in os.listdir(f"/proc/{pid}/task")]


def field(path, name):
    for line in path.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(f"{path}: {name}")


class Sample:
    def __init__(self, pid):
        process = pathlib.Path(f"/proc/{pid}")
        stat = (process / "stat").read_text().rpartition(")")[2].split()
        self.cpu_ms = (int(stat[11]) + int(stat[12])) * 1000 / os.sysconf("SC_CLK_TCK")
        self.main = field(process / f"task/{pid}/status", "voluntary_ctxt_switches")
        self.all = sum(field(t / "status", "voluntary_ctxt_switches") for t in threads_of(pid))
        self.rss = field(process / "status", "VmRSS") / KIB_OF_MIB
        self.anon = field(process / "status", "RssAnon") / KIB_OF_MIB
        self.pss = field(process / "smaps_rollup", "Pss") / KIB_OF_MIB


def idle_rows(name, before, after, seconds, heartbeats, rss_aim):
    return [
        Row(f"{name}: resident memory, idle", after.rss, rss_aim, "MiB", ("<=", 1)),
        Row("  of that its own (RssAnon)", after.anon, None, "MiB"),
        Row("  shares counted in parts (Pss)", after.pss, None, "MiB"),
        Row(f"{name}: wake-ups, idle", (after.main - before.main) / seconds, heartbeats, "1/s", ("<=", 1)),
        Row("  CPU, idle", (after.cpu_ms - before.cpu_ms) / seconds, None, "ms/s")]


def idle(folder, size):
    bundle = make_bundle(folder / "bundle.zip", "www", *size.pushes[0][1:])
    with world() as w:
        w.write_config()
        w.config.write_text(w.config.read_text().replace("log: debug", "log: info"))
        w.up()
        w.apply(w.pipeline())
        deploy(w, bundle)
        pids = {"worker": w.workers["web-" + REGIONS[0]].process.pid, "coordinator": w.coordinator.pid}
        begun = time.monotonic()
        before = {name: Sample(pid) for name, pid in pids.items()}
        until(lambda: time.monotonic() >= begun + size.idle_s, "the idle time", size.idle_s + 10)
        seconds = time.monotonic() - begun
        after = {name: Sample(pid) for name, pid in pids.items()}
    beats = (seconds / HEARTBEAT_S + 1) / seconds  # the time may begin just before one
    return (idle_rows("worker", before["worker"], after["worker"], seconds, 2 * beats, 8) +
            idle_rows("coordinator", before["coordinator"], after["coordinator"], seconds, len(REGIONS) * beats, 16))


# ---- a long history ----

QUESTIONS = [("list",), ("history", "xr"), ("status", "xr")]


def started(w):
    """Seconds until the coordinator is ready."""
    log = w.folder / "coordinator.log"
    seen = log.read_text().count("msg=ready")
    begun = time.monotonic()
    w.start_coordinator()
    until(lambda: log.read_text().count("msg=ready") > seen, "the coordinator", 60, pace=0.002)
    return time.monotonic() - begun


def asked(w, *command):
    """Milliseconds from the start of `meridian` to its end."""
    def once():
        begun = time.monotonic()
        w.meridian(*command)
        return (time.monotonic() - begun) * 1000
    return statistics.median(once() for _ in range(9))


def history(folder, size):
    bundle = make_bundle(folder / "bundle.zip", "www", *size.pushes[0][1:])
    with world() as w:
        w.up()
        w.apply(w.pipeline())
        deploy(w, bundle)
        few = {command: asked(w, command, *rest) for command, *rest in QUESTIONS}
        w.kill_coordinator()
        run(HISTORY, w.folder / "coordinator", size.history)
        settle()
        starts = []
        for _ in range(size.rounds):
            starts.append(started(w))
            w.kill_coordinator()
        started(w)
        many = {command: asked(w, command, *rest) for command, *rest in QUESTIONS}
        last = w.json("history", "xr", "-n", "100")["pipelineExecutionSummaries"][-1]["pipelineExecutionId"]
        older = asked(w, "status", "xr", last)
        memory = Sample(w.coordinator.pid).anon
    label = f"{size.history:,} ended executions"
    return [Row(f"start with {label}", statistics.median(starts), 1, "s", ("<=", 1)),
            Row("  meridian list", many["list"], 50, "ms", ("<=", 1)),
            *(Row(f"  meridian {command}, beside a short history", many[command], few[command], "ms", ("<=", 1.5))
              for command, *_ in QUESTIONS),
            Row("  meridian status of the hundredth", older, few["status"], "ms"),
            Row("  coordinator's own memory (RssAnon)", memory, None, "MiB")]
