"""The table's rows, the sizes of the runs, and what both kinds of benchmark need."""
import dataclasses, json, os, pathlib, random, statistics, subprocess, tarfile, zipfile

MIB = 1 << 20


@dataclasses.dataclass
class Row:
    figure: str
    ours: float
    peer: float | None
    unit: str
    aim: tuple[str, float] | None = None  # ("<=" or ">=", ratio)
    ratio: float | None = None            # of the rounds, where there are some

    def __post_init__(self):
        if self.ratio is None and self.peer:
            self.ratio = self.ours / self.peer

    @property
    def met(self):
        if not self.aim or self.ratio is None:
            return "-"
        sign, bound = self.aim
        return "yes" if (self.ratio <= bound if sign == "<=" else self.ratio >= bound) else "NO"


@dataclasses.dataclass
class Size:
    rounds: int
    workers: list
    seconds: int        # of a rate
    runs: int           # round trips
    commits: int
    pushes: list        # (label, bytes, files)
    idle_s: int
    zip: tuple          # bytes, files
    tgz: tuple
    many: tuple
    history: int        # ended executions


FULL = Size(3, [1, 10, 100, 1000], 4, 200, 300, [("1 MB", MIB, 20), ("200 MB", 200 * MIB, 5000)], 10,
            (100 * MIB, 10000), (500 * MIB, 5000), (25 * MIB, 50000), 100000)
SMOKE = Size(1, [1, 3], 1, 3, 3, [("tiny", MIB // 8, 5)], 1, (MIB // 8, 20), (MIB // 8, 20), (MIB // 8, 100), 200)

ROWS = {
    "round-trip": lambda size: 4, "jobs": lambda size: 2 * len(size.workers), "push": lambda size: len(size.pushes),
    "idle": lambda size: 10, "history": lambda size: 7, "deploy-zip": lambda size: 3, "deploy-tgz": lambda size: 2,
    "deploy-many": lambda size: 1}


def complete(name, rows, size):
    assert len(rows) == ROWS[name](size), f"{len(rows)} rows instead of {ROWS[name](size)}"
    return rows


def number(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def show(rows):
    lines = [("figure", "ours", "peer", "unit", "ratio", "aim", "met?")]
    for row in rows:
        aim = f"{row.aim[0]} {row.aim[1]:g}" if row.aim else "-"
        lines.append((row.figure, number(row.ours), number(row.peer), row.unit,
                      "-" if row.ratio is None else f"{row.ratio:.2f}", aim, row.met))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(w) if i in (0, 3) else text.rjust(w)
                        for i, (text, w) in enumerate(zip(line, widths))).rstrip())


def paired(figure, pairs, unit, aim=None):
    """A row of rounds: (ours, peer) of each."""
    return Row(figure, statistics.median(o for o, _ in pairs), statistics.median(p for _, p in pairs), unit, aim,
               statistics.median(o / p for o, p in pairs))


def run(*command, **options):
    """Runs a program to its good end; its complaint is the error's text otherwise."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{pathlib.Path(command[0]).name} {command[1]}: {done.stderr.strip()}{done.stdout.strip()}"
    return done.stdout


def run_json(*command):
    return json.loads(run(*command))


# ---- bundles ----

APPSPEC = "version: 0.0\nos: linux\nfiles:\n  - source: /content\n    destination: {}\n"


def contents(total, files):
    """(name, bytes) of a release, always the same: a third compresses well, the rest hardly, as libraries and
    pictures beside sources do; sizes vary, names lie in folders of fifty."""
    chance = random.Random(20260101)
    words = [chance.randbytes(chance.randint(2, 9)).hex() for _ in range(500)]
    weights = [chance.lognormvariate(0, 1) for _ in range(files)]
    scale = total / sum(weights)
    for i, weight in enumerate(weights):
        size = max(1, int(weight * scale))
        if i % 3 == 0:
            data = (" ".join(chance.choices(words, k=size // 8 + 1)) * 2).encode()[:size]
        else:
            data = chance.randbytes(size)
        yield f"content/d{i // 50:04}/f{i:06}", data


def make_bundle(path, destination, total, files):
    entries = ((name, data) for name, data in
               [("appspec.yml", APPSPEC.format(destination).encode()), *contents(total, files)])
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries:
                archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), data, zipfile.ZIP_DEFLATED)
        return path
    import io
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1767323046
            archive.addfile(info, io.BytesIO(data))
    return path


def settle():
    """What the generator or the benchmark before left unwritten is not the next one's to write."""
    os.sync()
