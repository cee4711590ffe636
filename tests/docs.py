#!/usr/bin/env python3
"""What the documentation says can be done, can be done.

Every command in a code block of a document is either run here, in a folder of its
own in which nothing of the machine's is changed, or it is named below with what
else runs it. One that is neither fails, and so does an entry that no document has
any more. Links lead somewhere, what is named between backquotes exists, and the
figures of README.md are those of BENCHMARKS.md.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What is run here, by document, and what the output must hold.
RUN = {
    "README.md": {
        "make": None,
        "LD_LIBRARY_PATH=$PWD/target/release your-program": "target/release/libzmq.so",
        "LD_PRELOAD=$PWD/target/release/libzmq.so.5 your-program": "target/release/libzmq.so",
        "make deb": "libferrozmq5_",
        "sudo apt install ./target/debian/libferrozmq5_*.deb ./target/debian/libferrozmq-dev_*.deb":
            r"apt: install \S*/libferrozmq5_\S*\.deb \S*/libferrozmq-dev_\S*\.deb$",
        "sudo make install PREFIX=/usr/local": None,
        "sudo ldconfig": "ldconfig: done",
        "grep -o '/[^ ]*libzmq[^ ]*' /proc/PID/maps | sort -u": r"/libzmq\.so",
        "ldconfig -p | grep libzmq": "libzmq.so.5",
        "LD_LIBRARY_PATH=$PWD/target/release ldd your-program | grep libzmq":
            "target/release/libzmq.so.5",
        "cc -o program program.c $(pkg-config --cflags --libs libzmq)": None,
        "cc -static -o program program.c $(pkg-config --static --cflags --libs libzmq)": None,
        "sudo apt install libzmq5 libzmq3-dev": "apt: install libzmq5 libzmq3-dev",
        "sudo make uninstall PREFIX=/usr/local && sudo ldconfig": "ldconfig: done",
    },
    "CONTRIBUTING.md": {
        "capi-tests/run -l oracle messages": "0 failed",
        "capi-tests/run -l ours messages": "0 failed",
    },
    "docs/QUESTIONS.md": {
        "make": None,
        "ZMQ_TRACE=1 LD_LIBRARY_PATH=$PWD/target/release your-program":
            "target/release/libzmq.so",
        "LD_LIBRARY_PATH=$PWD/target/release your-program": "target/release/libzmq.so",
        "grep -o '/[^ ]*libzmq[^ ]*' /proc/PID/maps | sort -u": r"/libzmq\.so",
        "capi-tests/run -l oracle pattern_pair": "0 failed",
        "capi-tests/run -l ours pattern_pair": "0 failed",
    },
    "examples/README.md": {
        "cc -O2 -o hwserver examples/hwserver.c -lzmq -pthread": None,
        "cc -O2 -o hwclient examples/hwclient.c -lzmq -pthread": None,
    },
}

# What only some machines have, and the commands that want it.
WANTING = {"dpkg-deb": r"make deb$|sudo apt install \./target"}

# What is run elsewhere, and where.
ELSEWHERE = {
    r"FERROZMQ_WRITE_\w+=1 cargo test --test \w+": "make test-rust, without writing",
    r"fuzz/run .*": "make test-fuzz",
    r"capi-tests/diff/run .*": "make test-diff",
    r"until benches/run\.py .*": "make bench, which calls it once",
    r"(LD_LIBRARY_PATH=target/release )?\./hw(server|client)( &)?": "make demo",
}

# Folders that a target fills, and that may be empty until it has.
MADE = {"benches/pictures": "make bench"}

# What a document may call by name though it is no file and nothing in the sources.
NAMES_OF_OTHERS = re.compile(r"libzmq|lib[a-z_0-9]+\.so|^ZMQbg|^ENOTSUP$")

failures = []
passed = 0


def report(ok, what, detail=""):
    global passed
    if ok:
        passed += 1
    else:
        failures.append(what)
        print(f"FAIL docs: {what}")
        for line in str(detail).splitlines()[-20:]:
            print(f"    {line}")


def documents():
    """All documents by name; there may be no git to ask for them."""
    folders = [path for path in ROOT.glob("[!.]*/") if path.name != "target"]
    paths = [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths)
            if "target" not in path.relative_to(ROOT).parts}


def commands(text):
    """The lines of code blocks, indented or fenced as for a shell, without remarks."""
    fence = None
    before = ""
    for line in text.splitlines():
        mark = re.match(r"```(\w*)$", line)
        if mark and fence is None:
            fence = mark[1] or "sh"
        elif line == "```":
            fence = None
        elif fence == "sh" or (fence is None and line.startswith(indent(before))):
            command = re.sub(r"(^|\s+)#\s.*$", "", line).strip()
            if command:
                yield command
        if line.strip() and not line.startswith(indent(before)):
            before = line


def indent(line):
    """How far code is indented behind a line: further where that is one of a list."""
    listed = re.match(r" *([-*]|\d+\.) +| +", line)
    return " " * (4 + (len(listed[0]) if listed else 0))


def make_targets():
    text = (ROOT / "Makefile").read_text()
    named = {name for names in re.findall(r"^([a-z][a-z -]*):(?!=)", text, re.M)
             for name in names.split()}
    return named | {f"compat-{path.parent.name}" for path in ROOT.glob("compat/*/run")}


class Place:
    """A folder that looks like the repository, in which commands are run."""

    def __init__(self, path):
        self.path = Path(path)
        self.work = self.path / "work"
        self.tools = self.path / "tools"
        self.root = self.path / "root"
        for folder in self.work, self.tools, self.root:
            folder.mkdir()
        for entry in ROOT.iterdir():
            (self.work / entry.name).symlink_to(entry)
        # What would change the machine says what it would do, or does it elsewhere.
        self.tool("sudo", 'exec "$@"')
        self.tool("apt", 'shift; for p; do case $p in ./*) [ -f "$p" ] || exit 1; esac; done; '
                         'echo "apt: install $*"')
        self.tool("ldconfig", '[ "${1-}" = -p ] && exec /sbin/ldconfig -p; '
                              f'/sbin/ldconfig -n {self.root}/usr/local/lib && echo "ldconfig: done"')
        self.tool("make", f'DESTDIR={self.root} exec /usr/bin/make -s -C {ROOT} "$@"')
        flags = ["-pthread", "-ldl"]
        self.compile("version", self.tools / "your-program", flags)
        self.compile("hwserver", self.tools / "server", flags)
        (self.work / "your-program").symlink_to(self.tools / "your-program")
        (self.work / "program.c").write_text(
            "#include <zmq.h>\nint main (void) { return zmq_ctx_term (zmq_ctx_new ()); }\n")
        self.environment = dict(
            os.environ, PATH=f"{self.tools}:/usr/sbin:/sbin:{os.environ['PATH']}",
            PKG_CONFIG_PATH=f"{self.root}/usr/local/lib/pkgconfig",
            PKG_CONFIG_SYSROOT_DIR=str(self.root))
        for name in "MAKEFLAGS", "MAKELEVEL", "DESTDIR":
            self.environment.pop(name, None)

    def tool(self, name, script):
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def compile(self, example, program, flags):
        subprocess.run(
            ["cc", "-I", ROOT / "include", "-o", program, ROOT / f"examples/{example}.c",
             ROOT / "target/release/libzmq.so.5", *flags], check=True)

    def run(self, command):
        server = None
        if "PID" in command:
            library = {"LD_LIBRARY_PATH": str(ROOT / "target/release")}
            server = subprocess.Popen([self.tools / "server", f"ipc://{self.path}/server"],
                                      env=dict(self.environment, **library),
                                      stdout=subprocess.DEVNULL)
            # It listens once the library is loaded.
            while server.poll() is None and not (self.path / "server").exists():
                time.sleep(0.01)
            command = command.replace("PID", str(server.pid))
        try:
            return subprocess.run(["sh", "-c", command], cwd=self.work, env=self.environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=500)
        finally:
            if server:
                server.kill()
                server.wait()


def try_commands(texts):
    targets = make_targets()
    used = set()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        for name, text in texts.items():
            tried = set()
            for command in commands(text):
                what = f"{name}: {command}"
                if command in RUN.get(name, {}):
                    if command in tried:
                        continue
                    tried.add(command)
                    absent = [tool for tool, pattern in WANTING.items()
                              if re.match(pattern, command) and not shutil.which(tool)]
                    if absent:
                        print(f"docs: no {absent[0]}, skipped: {command}")
                        continue
                    expected = RUN[name][command]
                    ran = place.run(command)
                    report(ran.returncode == 0
                           and (expected is None or re.search(expected, ran.stdout, re.M)),
                           what, f"exit code {ran.returncode}\n{ran.stdout}")
                    continue
                there = [pattern for pattern in ELSEWHERE if re.fullmatch(pattern, command)]
                used.update(there)
                words = shlex.split(command)
                if words[0] == "make" and not there:
                    goals = [word for word in words[1:] if "=" not in word]
                    report(set(goals) <= targets, what, "the Makefile has no such target")
                else:
                    report(there, what, "nothing tries it: see the head of tests/docs.py")
            for command in set(RUN.get(name, {})) - tried:
                report(False, f"{name}: {command}", "no longer there: take it out of tests/docs.py")
    for pattern in set(ELSEWHERE) - used:
        report(False, pattern, "no document has it: take it out of tests/docs.py")


def anchors(text):
    """The names of a document's headings in links."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def follow_links(texts):
    skipped = set()
    for name, text in texts.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (ROOT / name).parent / path if path else ROOT / name
            folder = os.path.relpath(target.parent, ROOT)
            if folder in MADE and not any(target.parent.glob("*")):
                skipped.add(folder)
                continue
            found = target.exists() and (not anchor or anchor in anchors(target.read_text()))
            report(found, f"{name}: the link to {link}", "leads nowhere")
    for folder in skipped:
        print(f"docs: nothing in {folder} ({MADE[folder]} makes it), skipped: links there")


def find_names(texts):
    """Files and what the sources define, as the documents for developers name them."""
    sources = "\n".join(
        path.read_text(errors="replace") for folder in ("src", "tests", "capi-tests", "fuzz", "include")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".rs", ".c", ".h", ".sh", ".toml", ".py", ""))
    known = set(re.findall(r"\w+", sources))
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        unknown = []
        prose = re.sub(r"^    .*$", "", texts[name], flags=re.M)
        for quoted in re.findall(r"`([^`\n]+)`", prose):
            if NAMES_OF_OTHERS.search(quoted):
                continue
            if re.fullmatch(r"[\w.-]+/[\w./-]*|[\w-]+\.(rs|c|h|md|toml|py|sh)", quoted):
                path = quoted.rstrip("/")
                if re.search(r"\b(NAME|TARGET|PID)\b", path) or path.startswith("target/") or any((ROOT / base / path).exists() for base in ("", "src", "target")):
                    continue
                unknown.append(quoted)
            elif re.fullmatch(r"[A-Za-z_][\w:]*(\(\))?", quoted):
                last = re.split(r"::", quoted.removesuffix("()"))[-1]
                if last not in known and "…" not in last:
                    unknown.append(quoted)
        report(not unknown, f"{name} names what there is", "\n".join(unknown))


def compare_figures():
    """README shows what BENCHMARKS.md has."""
    ran = subprocess.run([ROOT / "benches/summary.py"], stdout=subprocess.PIPE, text=True)
    report(ran.returncode == 0, "the figures of README.md", ran.stdout)


def main():
    texts = documents()
    follow_links(texts)
    compare_figures()
    find_names(texts)
    try_commands(texts)
    print(f"docs: {passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
