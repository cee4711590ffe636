#!/usr/bin/env python3
"""Counts the instructions of the hot paths, and holds them to committed figures.

Each function named guard_* of inproc.c (on target/release/libzmq.so.5) and wire.rs
(the rooms without I/O) runs in valgrind's callgrind with fixed inputs, in one thread
and waiting for nothing, so that the counts of two runs differ by next to nothing,
however busy the machine. benches/guard/figures.txt has the figures; more than they
say, and a margin, fails. What has become cheaper is told: --write takes it over.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "target" / "guard"
FIGURES = HERE / "figures.txt"

MARGIN = 0.02
OTHER_COMPILER_MARGIN = 0.10  # with another rustc than the figures are of
CALLS = 2 * 2000  # of what a guard is about: each runs twice


def build_inproc():
    program = BUILD / "inproc"
    BUILD.mkdir(parents=True, exist_ok=True)
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-g"]
    command += [f"-I{ROOT / 'include'}", HERE / "inproc.c", "-o", program, "-lzmq"]
    subprocess.run(command, check=True)
    return program


def build_wire():
    """Apart from the release, whose library is another."""
    cargo = [os.environ.get("CARGO", "cargo"), "build", "--bench", "guard"]
    cargo += ["--profile", "guard", "--target-dir", BUILD, "--message-format", "json"]
    output = subprocess.run(
        cargo, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "guard":
            return message["executable"]
    sys.exit("cargo has built no guard")


def count(program, library):
    """The instructions of every guard in a program, for each of what it is about."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    environment["LD_LIBRARY_PATH"] = str(library.resolve())
    with tempfile.TemporaryDirectory() as place:
        output = f"{place}/out"
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no"]
        command += ["--toggle-collect=*guard_*", f"--callgrind-out-file={output}", program]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{program}:\n{run.stderr}")
        command = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no"]
        listing = subprocess.run(
            [*command, output], check=True, capture_output=True, text=True
        ).stdout
    lines = re.findall(r"^ *([\d,]+) .*:guard_(\w+)", listing, re.M)
    return {
        name: int(instructions.replace(",", "")) / CALLS for instructions, name in sorted(
            lines, key=lambda line: line[1]
        )
    }


def compiler():
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    return rustc.stdout.strip()


def read_figures():
    """The committed figures, and the compiler that they are of."""
    figures, rustc = {}, None
    for line in FIGURES.read_text().splitlines() if FIGURES.exists() else ():
        if line.startswith("# rustc "):
            rustc = line[2:]
        elif line and not line.startswith("#"):
            name, value = line.split()
            figures[name] = float(value)
    return figures, rustc


def write_figures(figures):
    lines = [
        "# Instructions for each call: a message sent and received, encoded, decoded,",
        "# or matched. Written by make guard WRITE=1.",
        f"# {compiler()}",
    ]
    lines += [f"{name:<22} {value:9.1f}" for name, value in figures.items()]
    FIGURES.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", type=Path, default=ROOT / "target" / "release")
    parser.add_argument("--write", action="store_true", help="commit to what is counted")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind to count instructions with (make deps)")
        return 0
    figures = {**count(build_inproc(), options.lib), **count(build_wire(), options.lib)}
    committed, rustc = read_figures()
    margin = MARGIN if rustc == compiler() else OTHER_COMPILER_MARGIN
    if options.write:
        write_figures(figures)
    failed = 0
    for name in {**committed, **figures}:
        if name not in figures or (name not in committed and not options.write):
            print(f"{name:<22} is {'committed' if name in committed else 'counted'} only")
            failed += 1
            continue
        value, wanted = figures[name], committed.get(name, figures[name])
        change = value / wanted - 1
        verdict = "ok"
        if change > margin and not options.write:
            verdict = f"FAILED: at most {margin:.0%} more is meant"
            failed += 1
        elif change < -margin:
            verdict = "cheaper: make guard WRITE=1 keeps it"
        print(f"{name:<22} {value:9.1f} instructions, {change:+7.2%}  {verdict}")
    print(f"{len(figures) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
