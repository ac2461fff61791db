"""Benchmarks of one host: a whole deployment without a coordinator against the one tool that unpacks."""
import os, pathlib, subprocess, time

from daemons import field
from table import Row, make_bundle, paired, settle
from world import BIN, pause

WORKER = BIN / "worker/meridian-worker"
STEP_MEMORY_MIB, COMMIT_MS, KIB_OF_MIB = 32, 150, 1024


def step_memory():
    """VmHWM in MiB of the greatest step process of this tree that runs now."""
    greatest = 0
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.readlink(process / "exe") == str(BIN / "worker/meridian-step"):
                greatest = max(greatest, field(process / "status", "VmHWM") / KIB_OF_MIB)
        except (OSError, KeyError):
            continue  # it ended meanwhile
    return greatest


def deploy_local(folder, bundle):
    """Seconds of the whole deployment and the greatest step's memory."""
    begun, memory = time.monotonic(), 0
    with open(folder / "deploy.log", "w+") as log:
        process = subprocess.Popen([WORKER, "deploy-local", "--root-dir", folder / "root", bundle],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while True:
            try:
                status = process.wait(0.005)
                break
            except subprocess.TimeoutExpired:
                memory = max(memory, step_memory())
        took = time.monotonic() - begun
        log.seek(0)
        assert status == 0, log.read()
    return took, memory


def commit_ms(destination):
    """Of the second deployment, which renames every file over the one before. A rename sets the file's
    ctime: the first and the last of the installed files."""
    times = [p.stat().st_ctime_ns for p in destination.rglob("*") if p.is_file()]
    return (max(times) - min(times)) / 1e6, len(times)


def by_hand(command):
    settle()
    begun = time.monotonic()
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def compare(folder, size, bundle, files, tool):
    rounds, memory, spans = [], [], []
    for i in range(size.rounds):
        plain, ours = folder / f"plain{i}", folder / f"ours{i}"
        plain.mkdir()
        ours.mkdir()
        peer = by_hand([*tool(plain)])
        settle()
        took, held = deploy_local(ours, bundle)
        rounds.append((took, peer))
        settle()
        _, again = deploy_local(ours, bundle)
        span, count = commit_ms(folder / "installed")
        assert count == files, f"{count} of {files} files were installed"
        memory += [held, again]
        spans.append(span)
        # Not removed before the last round: ext4 is slow where inodes were freed a moment ago.
        os.rename(folder / "installed", folder / f"installed{i}")
    return rounds, max(memory), sorted(spans)[len(spans) // 2]


def deploy_zip(folder, size):
    total, files = size.zip
    bundle = make_bundle(folder / "bundle.zip", folder / "installed", total, files)
    rounds, memory, span = compare(folder, size, bundle, files, lambda to: ("unzip", "-q", bundle, "-d", to))
    return [
        paired(f"deploy-local of {files:,} files, zip, against unzip", rounds, "s", ("<=", 1)),
        Row("  commit phase", span, COMMIT_MS, "ms", ("<=", 1)),
        Row("  step's memory", memory, STEP_MEMORY_MIB, "MiB", ("<=", 1))]


def deploy_tgz(folder, size):
    total, files = size.tgz
    bundle = make_bundle(folder / "bundle.tgz", folder / "installed", total, files)
    rounds, memory, _ = compare(folder, size, bundle, files, lambda to: ("tar", "xzf", bundle, "-C", to))
    return [
        paired(f"deploy-local of {total >> 20:,} MiB, tgz, against tar", rounds, "s", ("<=", 1)),
        Row("  step's memory", memory, STEP_MEMORY_MIB, "MiB", ("<=", 1))]


def deploy_many(folder, size):
    total, files = size.many
    bundle = make_bundle(folder / "bundle.zip", folder / "installed", total, files)
    memory = max(deploy_local(folder, bundle)[1], deploy_local(folder, bundle)[1])
    return [Row(f"step's memory at {files:,} files", memory, STEP_MEMORY_MIB, "MiB", ("<=", 1))]
