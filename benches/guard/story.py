#!/usr/bin/env python3
"""What each step of a message's way costs, for "The story of a message" in
ARCHITECTURE.md: instructions by source file, in all threads, for each message.

Counted by valgrind's callgrind, as `make guard` does, in bursts of messages from a PUSH
to a PULL; what a process needs besides falls out, as the figures are the difference of
two runs of different length. What is inlined counts for the file that it is written in.
Waiting depends on how valgrind runs the threads, and swings.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "target" / "guard" / "story"
BURST = 400  # less than the water marks
SHORT, LONG = 10, 60  # bursts
RUST = "(Rust's library)"
CASES = (("inproc", 16), ("tcp", 16), ("tcp", 4096))


REST = "C library (copying, allocation, system calls' wrappers) and the program"
STEPS = (
    ("both calls: handle, lock, news, waiting",
     r"capi/|socket/|trace/|counters/|sync/(arena|lock)|message/deferred"),
    ("the message: made, moved out, freed", r"message/"),
    ("pattern and routing (a sole pipe: not asked)", r"pattern/|routing/"),
    ("pipe: rings, water marks, signals", r"pipe/|sync/barrier"),
    ("session: batches, pace, who drives", r"session/|raw"),
    ("protocol: headers, decoding", r"zmtp/"),
    ("reactor and kernel's door", r"reactor/|transport/|sync/|error|context/|\(mio|\(lock_api"),
    (REST, r"\("),
)


def build():
    """A release with line numbers, and the program."""
    environment = dict(os.environ, CARGO_PROFILE_RELEASE_DEBUG="1",
                       CARGO_PROFILE_RELEASE_STRIP="false")
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--target-dir", BUILD]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    library = BUILD / "release"
    link = library / "libzmq.so.5"
    if not link.exists():
        link.symlink_to("libzmq.so")
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-g"]
    command += [f"-I{ROOT / 'include'}", HERE / "story.c", "-o", BUILD / "story", link]
    subprocess.run(command, check=True)
    return library


def count(library, arguments):
    """Instructions by source file."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    environment["LD_LIBRARY_PATH"] = str(library)
    with tempfile.TemporaryDirectory() as place:
        output = f"{place}/out"
        command = ["valgrind", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no",
                   f"--callgrind-out-file={output}", BUILD / "story", *map(str, arguments)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(run.stderr)
        return by_file(Path(output).read_text())


def by_file(profile):
    """Adds up the own costs of every line: those behind `calls=` are the callee's.
    What is inlined from Rust's library counts for the file of ours that precedes it."""
    costs, ours, file, called = defaultdict(int), "", "", False
    for line in profile.splitlines():
        if named := re.match(r"(fl|fi|fe)=(.*)", line):
            file = short(named[2])
            if not file.startswith("("):
                ours = file
            elif named[1] == "fl":
                ours = ""
        elif line.startswith("calls="):
            called = True
        elif cost := re.match(r"\d+ (\d+)$", line):
            if not called:
                costs[ours if file == RUST and ours else file] += int(cost[1])
            called = False
    return costs


def short(file):
    """A file below src/, or a word for what is not ours."""
    if "/library/" in file or "/rustc/" in file:
        return RUST
    if found := re.match(rf"(?:{re.escape(str(ROOT))}/)?src/(.*)", file):
        return found[1]
    if found := re.search(r"/([a-z_]+)-[\d.]+/src/", file):
        return f"({found[1]})"
    return "(C library and program)"


def step(file):
    """The step that a file's code belongs to."""
    return next((name for name, pattern in STEPS if re.match(pattern, file)), REST)


def main():
    library = build()
    table = {name: [] for name, _ in STEPS}
    for transport, size in CASES:
        short_run = count(library, (transport, size, BURST, SHORT))
        long_run = count(library, (transport, size, BURST, LONG))
        messages = BURST * (LONG - SHORT)
        costs = {file: (long_run[file] - short_run[file]) / messages for file in long_run}
        print(f"{transport}, {size} bytes")
        for file, cost in sorted(costs.items(), key=lambda entry: -entry[1]):
            if cost >= 0.5:
                print(f"  {cost:7.1f}  {file}")
        for name in table:
            table[name].append(sum(cost for file, cost in costs.items() if step(file) == name))
    table["all"] = [sum(column) for column in zip(*table.values())]
    print("| step | " + " | ".join(f"{transport}, {size} B" for transport, size in CASES) + " |")
    print("|---|" + "--:|" * len(CASES))
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{cost:.0f}" for cost in row) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
