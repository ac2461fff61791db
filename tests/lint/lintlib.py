"""lintlib.py - what the lints share: which files are ours, findings and exceptions, reading C.

A lint is a script with a function check(lint) and a list of CASES: each a set of small files with
what the lint must say about them (None: nothing). run() proves the lint on its cases first, so that
a lint that has gone blind fails, then checks the repository. A finding reads
`file:line: what is wrong: what to do`, and has a key; `LINT KEY REASON` in exceptions.txt allows
it, and an exception that allows nothing is itself a finding.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
EXCEPTIONS = "tests/lint/exceptions.txt"
SKIPPED = 77  # ctest: the tool is not here


class Lint:
    def __init__(self, name, root):
        self.name, self.root = name, root
        self.findings = []
        self.exceptions = {}  # key -> line in exceptions.txt
        self.used = set()
        for number, line in enumerate(self.lines(EXCEPTIONS, missing_ok=True), 1):
            words = line.split(None, 2)
            if not words or words[0].startswith("#"):
                continue
            if len(words) < 3:
                self.findings.append(f"{EXCEPTIONS}:{number}: no reason: write LINT KEY REASON")
            elif words[0] == name:
                self.exceptions[words[1]] = number

    def report(self, path, line, message, key=None):
        key = key or path
        if key in self.exceptions:
            self.used.add(key)
        else:
            self.findings.append(f"{path}:{line}: {message} [{self.name} {key}]")

    def stale(self):
        for key, number in self.exceptions.items():
            if key not in self.used:
                self.findings.append(f"{EXCEPTIONS}:{number}: {self.name} {key} allows nothing: remove the line")

    def path(self, path):
        return os.path.join(self.root, path)

    def text(self, path):
        with open(self.path(path), errors="replace") as file:
            return file.read()

    def lines(self, path, missing_ok=False):
        if missing_ok and not os.path.exists(self.path(path)):
            return []
        return self.text(path).splitlines()

    def files(self, *suffixes, under=("",), committed=False):
        """Our files, new ones included unless `committed`; without git, whatever is not a build tree."""
        found = self.known_to_git(committed)
        if found is None:
            found = []
            for folder, folders, names in os.walk(self.root):
                folders[:] = [f for f in folders if f not in (".git", "__pycache__", "build") and not f.startswith("build-")]
                found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        ours = [f for f in found if f.endswith(suffixes or ("",)) and f.startswith(tuple(under))]
        return sorted(f for f in ours if os.path.isfile(self.path(f)) and not os.path.islink(self.path(f)))

    def known_to_git(self, committed):
        if not os.path.exists(self.path(".git")):
            return None
        which = ["--cached"] if committed else ["--cached", "--others", "--exclude-standard"]
        git = ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z", *which]
        result = subprocess.run(git, capture_output=True, text=True)
        return set(result.stdout.split("\0")) - {""} if result.returncode == 0 else None


def bare(text):
    """C with spaces for comments and for what is between quotes: every other character keeps its place."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match[0]
        spaces = re.sub(r"[^\n]", " ", found)
        return found[0] + spaces[1:-1] + found[0] if found[0] in "\"'" else spaces

    return token.sub(blank, text)


def functions(text):
    """(name, first line, lines) of every function definition in C of the house's format."""
    lines = bare(text).splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            first = number
            while first > 0 and not re.search(r"[;}]\s*$|^\s*#|^\s*$", lines[first - 1]):
                first -= 1
            head = re.sub(r"__attribute__\s*\(\(.*?\)\)|PRINTF_LIKE\(.*?\)", "", " ".join(lines[first:number]))
            name = re.search(r"(\w+)\s*\(", head)
            start = (name[1] if name else "?", first + 1)
        elif line == "}" and start:
            yield start[0], start[1], number + 2 - start[1]
            start = None


def prove(name, check, cases):
    """Whether check() says of every case what it must."""
    blind = False
    for files, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            for path, content in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w") as file:
                    file.write(content)
            lint = Lint(name, root)
            check(lint)
            lint.stale()
        if expected is None and lint.findings:
            print(f"{name}: self-test: {files} is right, but: {lint.findings}")
            blind = True
        if expected is not None and not any(expected in f for f in lint.findings):
            print(f"{name}: self-test: {files} must be reported with '{expected}': {lint.findings}")
            blind = True
    return not blind


def run(check, cases):
    name = os.path.basename(sys.argv[0])
    if not prove(name, check, cases):
        sys.exit(1)
    lint = Lint(name, TOP)
    check(lint)
    finish(lint, f"{len(cases)} self-tests")


def finish(lint, what):
    lint.stale()
    for finding in lint.findings:
        print(finding)
    print(f"{lint.name}: {what}, {len(lint.findings)} findings, {len(lint.used)} exceptions used")
    sys.exit(1 if lint.findings else 0)


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIPPED)
