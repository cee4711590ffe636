#!/usr/bin/env python3
"""Measures our library against the system's libzmq.

Every cell is one small C program, run in turn on ours, on the system's library,
on the rival's (benches/rival builds it) where there is one, and on bare sockets
or memory where they set a limit (A B C D A B C D ...; only the library that the
loader finds is swapped). Shown are medians, and the ratio ours / other as the
median of the pairs' ratios with its range: on a busy machine figures drift
together, ratios of neighbours hold.

All runs are kept in target/bench/results.json, cell by cell. With --write the
table of all cells there goes to BENCHMARKS.md, some of it to README.md, and their
pictures to benches/pictures/. A whole run may be made in parts:

    until benches/run.py --resume --budget 200 --write; do :; done
"""

import argparse
import fnmatch
import hashlib
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

import pictures
import summary
from cells import all_cells
from report import Table, ratio_text, reached, mark, short
from results import Results

ROOT = Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"
BUILD = ROOT / "target" / "bench"
REPORT = ROOT / "BENCHMARKS.md"
MARKS = ("<!-- results: begin -->", "<!-- results: end -->")

PAIRS, QUICK_PAIRS = 5, 3
QUICK_SHARE = 0.2  # of the usual count
QUICK_CELLS = (
    "thr-*-16", "thr-*-4096", "thr-*-1048576", "lat-*-16", "pubsub-10", "pubsub-100-all",
    "reqrep-*", "proxy-*", "curve-tcp-1024", "memory-tcp-1000", "setup-tcp", "weather",
)
TIME_LIMIT = 45  # seconds for one run; the programs' own watchdog comes first
RIVAL_TIME_LIMIT = 15
UNFINISHED = 75  # the status when the budget is used up before the cells are


class Failed(Exception):
    """A run that gave no figures."""


class Library:
    """A libzmq.so.5, and the environment in which the loader picks it."""

    def __init__(self, directory=None):
        self.setting = {"LD_LIBRARY_PATH": str(directory.resolve())} if directory else {}
        listing = subprocess.run(
            ["ldd", BUILD / "bin" / "thr"],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        files = {name: path for name, path in re.findall(r"(\S+) => (/\S+)", listing)}
        if "libzmq.so.5" not in files:
            sys.exit(f"no libzmq.so.5 to be found with {self.setting or 'the system'}")
        self.file = os.path.realpath(files["libzmq.so.5"])
        others = [path for name, path in files.items() if name != "libc.so.6"]
        self.sizes = {
            "bytes": os.path.getsize(self.file),
            "bytes_with_dependencies": sum(map(os.path.getsize, map(os.path.realpath, others))),
        }
        self.identity = hashlib.sha256(Path(self.file).read_bytes()).hexdigest()[:16]

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
        environment.update(self.setting)
        return environment


def run_once(command, environment, time_limit):
    """Runs a program in a folder of its own; returns its figures by name."""
    with tempfile.TemporaryDirectory(prefix="zmq-bench-") as place:
        process = subprocess.Popen(
            [BUILD / "bin" / command[0], *command[1:]],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, complaint = process.communicate(timeout=time_limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"not finished in {time_limit} s") from None
        finally:
            # Whatever the reason for leaving: the peers leave too.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    if process.returncode != 0:
        last = (complaint.strip().splitlines() or ["no word"])[-1]
        raise Failed(f"status {process.returncode}: {last}")
    return {name: float(value) for name, value in map(str.split, output.splitlines())}


class Bench:
    """Measures cells on the libraries at hand, and keeps what comes out."""

    def __init__(self, libraries, results, pairs, share):
        self.libraries, self.results = libraries, results
        self.pairs, self.share = pairs, share
        self.identity = {
            **{side: library.identity for side, library in libraries.items()},
            "share": share,
        }

    def is_done(self, name):
        """Whether there are enough pairs, or the cell has failed already."""
        record = self.results.cells.get(name)
        if record and record["identity"] == self.identity:
            if {"ours", "libzmq"} & set(record["failures"]):
                return True
            if not record["runs"] and record["failures"]:
                return True
        return self.results.pairs(name, self.identity) >= self.pairs

    def measure(self, name, cell, out_of_time):
        """Adds the pairs that a cell lacks; False if time ran out before."""
        record = self.results.start(name, self.identity)
        while not self.is_done(name):
            if out_of_time():
                return False
            self.measure_pair(name, cell, record)
            self.results.save()
        return True

    def measure_pair(self, name, cell, record):
        runs = {}
        for side in self.sides(cell, record):
            show_passing(f"  {name}: pair {self.results.pairs(name, self.identity) + 1} "
                         f"of {self.pairs}, {side}")
            try:
                runs[side] = self.run(cell, side)
            except Failed as problem:
                record["failures"][side] = str(problem)
                if side in ("ours", "libzmq"):
                    return
        for side, run in runs.items():
            record["runs"].setdefault(side, []).append(run)

    def sides(self, cell, record):
        """Who takes part: nobody who has failed before."""
        if cell.program or not cell.limit:
            yield from (side for side in self.libraries if side not in record["failures"])
        if cell.limit and "limit" not in record["failures"]:
            yield "limit"

    def run(self, cell, side):
        if side == "limit":
            environment = self.libraries["libzmq"].environment()
            return run_once(cell.limit_command(self.share), environment, TIME_LIMIT)
        library = self.libraries[side]
        if not cell.program:
            return library.sizes
        limit = RIVAL_TIME_LIMIT if side == "rival" else TIME_LIMIT
        return run_once(cell.command(self.share), library.environment(), limit)

    def tell(self, label, name, cell):
        """A line about a cell that is done."""
        failures = self.results.cells[name]["failures"]
        for side in ("ours", "libzmq"):
            if side in failures:
                print(f"{label} FAILED, {side}: {failures[side]}", flush=True)
                return
        told = []
        for metric in cell.metrics:
            figure = self.results.figure(name, metric.name)
            values = (figure.median(side) for side in ("ours", "libzmq", "rival", "limit"))
            told.append(
                f"{' : '.join(map(short, values))} {metric.unit} = "
                f"{ratio_text(figure.ratio)} {mark(reached(cell, metric, figure))}"
            )
        print(f"{label} {'; '.join(told)}", flush=True)


def show_passing(text):
    """A line that the next one overwrites, for those who watch."""
    if sys.stdout.isatty():
        print(f"\r{text:<70}\r", end="", flush=True)


def build(include, library):
    """Compiles all programs; they find libzmq.so.5 through the loader."""
    target = BUILD / "bin"
    target.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    headers = max(header.stat().st_mtime for header in BENCHES.glob("*.h"))
    for source in sorted(BENCHES.glob("*.c")):
        program = target / source.stem
        newest = max(headers, source.stat().st_mtime)
        if program.exists() and program.stat().st_mtime > newest:
            continue
        command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", *include]
        command += [source, "-o", program, library, "-pthread"]
        subprocess.run(command, check=True)


def find_system():
    """The system's library file, or None."""
    listing = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"libzmq\.so\.5 .*=> (\S+)", listing)
    return match[1] if match else None


def find_libraries(options):
    """Builds the programs and finds the libraries that they are run on."""
    system = find_system()
    if not system and not options.base:
        sys.exit("there is no libzmq on this system to compare with (make deps)")
    if not (options.lib / "libzmq.so.5").exists():
        sys.exit(f"{options.lib}/libzmq.so.5 is missing: build the library first (make)")
    has_header = Path("/usr/include/zmq.h").exists()
    build(
        [] if has_header else [f"-I{ROOT / 'include'}"],
        system or options.base / "libzmq.so.5",
    )
    libraries = {"ours": Library(options.lib), "libzmq": Library(options.base)}
    if (options.rival / "libzmq.so.5").exists():
        libraries["rival"] = Library(options.rival)
    if libraries["ours"].identity == libraries["libzmq"].identity:
        sys.exit("both sides would run on the same file: nothing to compare")
    return libraries


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"


def write_report(text):
    """Puts the table between its marks, and leaves all else as it is."""
    report = REPORT.read_text()
    begin, end = (report.index(mark) for mark in MARKS)
    REPORT.write_text(f"{report[:begin]}{MARKS[0]}\n\n{text}\n\n{report[end:]}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--lib",
        type=Path,
        default=ROOT / "target" / "release",
        metavar="DIR",
        help="directory of our libzmq.so.5 (default: target/release)",
    )
    parser.add_argument(
        "--base",
        type=Path,
        metavar="DIR",
        help="directory of the other libzmq.so.5 (default: the system's)",
    )
    parser.add_argument(
        "--rival",
        type=Path,
        default=BUILD / "rival",
        metavar="DIR",
        help="directory of a third one (default: where benches/rival builds it)",
    )
    parser.add_argument(
        "--cell",
        action="append",
        metavar="NAME",
        help="only this cell, or those that match, like 'thr-tcp-*'; repeatable",
    )
    parser.add_argument("--pairs", type=int, help=f"runs of each (default {PAIRS})")
    parser.add_argument("--share", type=float, help="of the usual counts (default 1)")
    parser.add_argument("--quick", action="store_true", help="few cells and short runs")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="measure only what results.json lacks for these libraries",
    )
    parser.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help=f"stop after about that time, with status {UNFINISHED} if cells are left",
    )
    parser.add_argument(
        "--merge",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="take over the cells of another results.json; measures nothing",
    )
    parser.add_argument(
        "--report", action="store_true", help="only the table of what was measured"
    )
    parser.add_argument(
        "--results", type=Path, default=BUILD / "results.json", metavar="FILE"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="put table and pictures of all that was measured into the tree",
    )
    parser.add_argument("--list", action="store_true", help="list the cells and stop")
    return parser.parse_args()


def wanted_cells(cells, options):
    wishes = options.cell or (QUICK_CELLS if options.quick else ("*",))
    chosen = {
        name: cell
        for name, cell in cells.items()
        if any(fnmatch.fnmatch(name, wish) for wish in wishes)
    }
    if not chosen:
        sys.exit("no cell has that name; --list tells them")
    return chosen


def measure_all(bench, cells, budget, resume):
    """Measures cell by cell, telling each result as it comes. Returns whether
    all were measured."""
    end = time.monotonic() + budget if budget else float("inf")
    if not resume:
        for name in cells:
            bench.results.cells.pop(name, None)
    for number, (name, cell) in enumerate(cells.items(), 1):
        if bench.is_done(name):
            continue
        if not bench.measure(name, cell, lambda: time.monotonic() > end):
            print(f"to be continued at {name}", flush=True)
            return False
        bench.tell(f"[{number:3}/{len(cells)}] {name:<26}", name, cell)
    return True


def heading(results):
    """What the table is of."""
    pairs = [
        len(record["runs"].get("ours") or record["runs"].get("limit") or ())
        for record in results.cells.values()
    ] or [0]
    spread = f"{min(pairs)}" if min(pairs) == max(pairs) else f"{min(pairs)} to {max(pairs)}"
    shares = {record["identity"]["share"] for record in results.cells.values()}
    runs = "runs" if shares <= {1.0} else "short runs"
    return f"{results.facts.get('machine', 'unknown')}; {spread} pairs of {runs}."


def main():
    options = arguments()
    cells = all_cells()
    chosen = wanted_cells(cells, options)
    if options.list:
        print("\n".join(chosen))
        return 0

    # A terminated run still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results = Results(options.results)
    finished = True
    for path in options.merge:
        results.merge(Results(path))
        results.save()
    if not options.merge and not options.report:
        pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
        share = options.share or (QUICK_SHARE if options.quick else 1.0)
        results.facts["machine"] = machine()
        bench = Bench(find_libraries(options), results, pairs, share)
        finished = measure_all(bench, chosen, options.budget, options.resume)
        results.save()
    if not finished:
        return UNFINISHED

    shown = chosen if options.cell or options.quick else cells
    text = f"{heading(results)}\n\n{Table(results, shown).text()}"
    print(f"\n{text}")
    if options.write:
        write_report(f"{heading(results)}\n\n{Table(results, cells).text()}")
        pictures.draw_all(results, cells, BENCHES / "pictures")
        summary.write()
    failed = [
        f"{name}, {side}: {problem}"
        for name in shown
        for side, problem in results.cells.get(name, {}).get("failures", {}).items()
    ]
    for problem in failed:
        print(f"FAILED {problem}")
    return 1 if any(", ours:" in problem or ", libzmq:" in problem for problem in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
