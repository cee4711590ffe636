#!/usr/bin/env python3
"""Measures our library against the system's libzmq.

Every cell is one small C program, run in turn on ours and on the other library
(A B A B ...; only the library that the loader finds is swapped). Shown are
medians, and the ratio ours / other as the median of the pairs' ratios with its
range: on a busy machine figures drift together, ratios of neighbours hold.

Writes target/bench/results.json, and with --write the table in BENCHMARKS.md.
"""

import argparse
import fnmatch
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"
BUILD = ROOT / "target" / "bench"
REPORT = ROOT / "BENCHMARKS.md"
MARKS = ("<!-- results: begin -->", "<!-- results: end -->")

PAIRS, QUICK_PAIRS = 5, 3
QUICK_SHARE = 0.2  # of the usual count
TIME_LIMIT = 45  # seconds for one run; the programs' own watchdog comes first
QUICK_TIME_LIMIT = 20
NOISE = 0.05  # a median ratio this close to 1 is no difference


@dataclass(frozen=True)
class Metric:
    """A figure that a program prints, and how to read it."""

    name: str
    unit: str
    more_is_better: bool


RATE = Metric("rate", "msg/s", True)
CALLS = Metric("rate", "calls/s", True)
CYCLES = Metric("rate", "cycles/s", True)
HANDSHAKES = Metric("rate", "handshakes/s", True)
SHARE = Metric("share", "% of the rate alone", True)
ROUND_TRIPS = Metric("rate", "round trips/s", True)
P50 = Metric("p50_us", "µs p50", False)
P99 = Metric("p99_us", "µs p99", False)
IDLE_CPU = Metric("cpu_us_per_s", "µs CPU per s", False)
IDLE_SWITCHES = Metric("switches_per_s", "switches/s", False)
MEMORY = (
    Metric("accepted_bytes", "bytes accepted", False),
    Metric("connecting_bytes", "bytes connecting", False),
    Metric("accepted_fds", "fds accepted", False),
    Metric("connecting_fds", "fds connecting", False),
)
CPU = Metric("cpu_ns", "ns CPU", False)  # beside the others, where printed


@dataclass(frozen=True)
class Cell:
    """One program with its arguments; COUNT stands for the scaled count."""

    program: str
    arguments: tuple
    count: int
    metrics: tuple

    def command(self, share):
        count = max(int(self.count * share), 1)
        return [
            str(count if argument == "COUNT" else argument)
            for argument in (BUILD / "bin" / self.program, *self.arguments)
        ]


def all_cells():
    """Every cell by name. Counts are chosen for half a second or so on libzmq
    4.3.4 with two cores."""
    cells = {}
    sizes = (16, 256, 4096, 65536, 1048576)
    throughput = {
        "tcp": (4_000_000, 1_200_000, 150_000, 15_000, 1_500),
        "ipc": (3_000_000, 1_200_000, 150_000, 15_000, 1_500),
        "inproc": (5_000_000, 3_000_000, 1_200_000, 600_000, 1_000_000),
    }
    round_trips = {
        "tcp": (5_000, 5_000, 5_000, 3_000, 500),
        "ipc": (5_000, 5_000, 5_000, 3_000, 500),
        "inproc": (10_000, 10_000, 10_000, 10_000, 10_000),
    }
    for transport, counts in throughput.items():
        for size, count in zip(sizes, counts):
            cells[f"thr-{transport}-{size}"] = Cell(
                "thr", (transport, size, "COUNT", "msg"), count, (RATE,)
            )
        for size, count in list(zip(sizes, counts))[:3:2]:
            cells[f"thr-{transport}-{size}-send"] = Cell(
                "thr", (transport, size, "COUNT", "send"), count, (RATE,)
            )
    for transport, counts in round_trips.items():
        place = "apart" if transport == "inproc" else "any"
        for size, count in zip(sizes, counts):
            cells[f"lat-{transport}-{size}"] = Cell(
                "lat", (transport, size, "COUNT", "reqrep", place), count, (P50, P99)
            )
        cells[f"lat-{transport}-16-pair"] = Cell(
            "lat", (transport, 16, "COUNT", "pair", place), counts[0], (P50, P99)
        )
        cells[f"lat-{transport}-16-onecore"] = Cell(
            "lat", (transport, 16, "COUNT", "reqrep", "onecore"), 10_000, (P50, P99)
        )
    for subscribers, count in ((1, 1_000_000), (10, 600_000), (100, 100_000)):
        cells[f"pubsub-{subscribers}"] = Cell(
            "pubsub", ("tcp", subscribers, "COUNT", 64, "filter", 10), count, (RATE,)
        )
    for subscribers, count in ((10, 100_000), (100, 10_000)):
        cells[f"pubsub-{subscribers}-all"] = Cell(
            "pubsub", ("tcp", subscribers, "COUNT", 64, "all", 1), count, (RATE,)
        )
    cells["pubsub-1-topics-1000000"] = Cell(
        "pubsub", ("tcp", 1, "COUNT", 64, "filter", 1_000_000), 400_000, (RATE,)
    )
    for clients, count in ((1, 300_000), (100, 50_000), (1000, 40_000)):
        cells[f"reqrep-{clients}"] = Cell(
            "reqrep", ("tcp", clients, "COUNT", 16), count, (ROUND_TRIPS,)
        )
    for kind, count, metric in (
        ("push", 1_500_000, RATE),
        ("pubsub", 1_500_000, RATE),
        ("reqrep", 100_000, ROUND_TRIPS),
    ):
        cells[f"proxy-{kind}"] = Cell(
            "proxy", (kind, "tcp", "COUNT", 16), count, (metric,)
        )
    for kind in ("idle", "one"):
        cells[f"poll-1000-{kind}"] = Cell("poll", (1000, "COUNT", kind), 500, (CALLS,))
    for transport in ("tcp", "ipc", "inproc"):
        cells[f"setup-{transport}"] = Cell(
            "setup", (transport, "COUNT"), 1_200, (CYCLES,)
        )
    for size, count in ((64, 600_000), (1024, 250_000), (65536, 6_000)):
        cells[f"curve-tcp-{size}"] = Cell(
            "thr", ("tcp", size, "COUNT", "msg", "curve"), count, (RATE,)
        )
    for mechanism, count in (("null", 4_000), ("curve", 2_000)):
        cells[f"{mechanism}-handshakes"] = Cell(
            "handshakes", ("tcp", "COUNT", mechanism), count, (HANDSHAKES,)
        )
    cells["hostile-500"] = Cell("hostile", (500, 1024, "COUNT"), 150_000, (RATE, SHARE))
    cells["load"] = Cell("setup", ("load", "COUNT"), 250, (CYCLES,))
    cells["idle"] = Cell("idle", (1000,), 1, (IDLE_CPU, IDLE_SWITCHES))
    cells["memory-tcp-1000"] = Cell("memory", ("tcp", 1000), 1, MEMORY)
    cells["memory-ipc-1000"] = Cell("memory", ("ipc", 1000), 1, MEMORY)
    return cells


class Failed(Exception):
    """A run that gave no figures."""


def run_once(command, setting, place, time_limit):
    """Runs a program on one library; returns its figures by name."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    environment.update(setting)
    process = subprocess.Popen(
        command,
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


def compare(ours, other):
    """The summary of one metric over all pairs."""
    ratios = [a / b for a, b in zip(ours, other) if b]
    return {
        "ours": ours,
        "other": other,
        "ours_median": median(ours),
        "other_median": median(other),
        "ratio": median(ratios) if ratios else None,
        "ratio_range": [min(ratios), max(ratios)] if ratios else None,
    }


def measure(cell, settings, pairs, share, time_limit):
    """Runs a cell's pairs; returns the summaries of its metrics."""
    figures = ([], [])
    sides = ("ours", "other")
    command = cell.command(share)
    for number in range(pairs):
        for which in (0, 1):
            show_passing(f"  pair {number + 1} of {pairs}, {sides[which]}")
            with tempfile.TemporaryDirectory(prefix="zmq-bench-") as place:
                try:
                    run = run_once(command, settings[which], place, time_limit)
                except Failed as problem:
                    raise Failed(f"{sides[which]}: {problem}") from None
                figures[which].append(run)
    summaries = {}
    for metric in (*cell.metrics, CPU):
        columns = [[run[metric.name] for run in f if metric.name in run] for f in figures]
        if all(columns):
            summaries[metric.name] = compare(*columns)
    return summaries


def show_passing(text):
    """A line that the next one overwrites, for those who watch."""
    if sys.stdout.isatty():
        print(f"\r{text:<60}\r", end="", flush=True)


def short(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= 10 * limit or (unit == "M" and value >= limit):
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def ratio_text(ratio):
    return "–" if ratio is None else f"{ratio:.2f}×" if ratio >= 0.1 else f"{ratio:.3f}×"


def row(name, metric, summaries):
    """One line of the table."""
    summary, cpu = summaries[metric.name], summaries.get(CPU.name)
    arrow = "↑" if metric.more_is_better else "↓"
    spread = "–"
    if summary["ratio_range"]:
        spread = " – ".join(f"{ratio:.2f}" for ratio in summary["ratio_range"])
    columns = [
        name,
        f"{metric.unit} {arrow}",
        short(summary["ours_median"]),
        short(summary["other_median"]),
        f"**{ratio_text(summary['ratio'])}**" if is_worse(metric, summary)
        else ratio_text(summary["ratio"]),
        spread,
        short(cpu["ours_median"]) if cpu else "–",
        short(cpu["other_median"]) if cpu else "–",
        ratio_text(cpu["ratio"]) if cpu else "–",
    ]
    return "| " + " | ".join(columns) + " |"


def is_worse(metric, summary):
    """Beyond noise, and in every pair."""
    if summary["ratio"] is None:
        return False
    least, most = summary["ratio_range"]
    if metric.more_is_better:
        return summary["ratio"] < 1 - NOISE and most < 1
    return summary["ratio"] > 1 + NOISE and least > 1


def table(results, cells, heading, other):
    lines = [
        heading,
        "",
        f"| cell | unit | ours | {other} | ours ÷ {other} | range "
        f"| CPU ns ours | CPU ns {other} | CPU ÷ |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, summaries in results.items():
        for metric in cells[name].metrics:
            lines.append(row(name, metric, summaries))
    worse = [
        f"{name} ({metric.unit})"
        for name, summaries in results.items()
        for metric in cells[name].metrics
        if is_worse(metric, summaries[metric.name])
    ]
    lines += ["", f"Behind {other}: " + (", ".join(worse) or "nowhere") + "."]
    return "\n".join(lines)


def build(include, library):
    """Compiles all programs; they find libzmq.so.5 through the loader."""
    target = BUILD / "bin"
    target.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    for source in sorted(BENCHES.glob("*.c")):
        command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", *include]
        command += [source, "-o", target / source.stem, library, "-pthread"]
        subprocess.run(command, check=True)


def library_of(setting):
    """The file that the loader picks under these settings, and its size with
    everything that it brings along beyond the C library."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    environment.update(setting)
    listing = subprocess.run(
        ["ldd", BUILD / "bin" / "thr"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = {name: path for name, path in re.findall(r"(\S+) => (/\S+)", listing)}
    if "libzmq.so.5" not in files:
        sys.exit(f"no libzmq.so.5 to be found with {setting or 'the system'}")
    extra = [
        os.path.realpath(path) for name, path in files.items() if name != "libc.so.6"
    ]
    return {
        "file": os.path.realpath(files["libzmq.so.5"]),
        "bytes": os.path.getsize(files["libzmq.so.5"]),
        "bytes_with_dependencies": sum(os.path.getsize(path) for path in extra),
    }


def find_system():
    """The system's library file, or None."""
    listing = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"libzmq\.so\.5 .*=> (\S+)", listing)
    return match[1] if match else None


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


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
        help="directory of our libzmq.so.5 (default: target/release)",
    )
    parser.add_argument(
        "--base",
        type=Path,
        help="directory of the other libzmq.so.5 (default: the system's)",
    )
    parser.add_argument(
        "--cell",
        action="append",
        metavar="NAME",
        help="only this cell, or those that match, like 'thr-tcp-*'; repeatable",
    )
    parser.add_argument("--pairs", type=int, help=f"runs of each (default {PAIRS})")
    parser.add_argument("--quick", action="store_true", help="few and short runs")
    parser.add_argument(
        "--write", action="store_true", help="put the table into BENCHMARKS.md"
    )
    parser.add_argument("--list", action="store_true", help="list the cells and stop")
    options = parser.parse_args()
    if options.write and options.cell:
        parser.error("the table in BENCHMARKS.md is of all cells: --write without --cell")
    return options


def main():
    options = arguments()
    cells = all_cells()
    if options.cell:
        cells = {
            name: cell
            for name, cell in cells.items()
            if any(fnmatch.fnmatch(name, wish) for wish in options.cell)
        }
        if not cells:
            sys.exit("no cell has that name; --list tells them")
    if options.list:
        print("\n".join(cells))
        return 0

    # A terminated run still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
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
    settings = [
        {"LD_LIBRARY_PATH": str(options.lib.resolve())},
        {"LD_LIBRARY_PATH": str(options.base.resolve())} if options.base else {},
    ]
    libraries = [library_of(setting) for setting in settings]
    if libraries[0]["file"] == libraries[1]["file"]:
        sys.exit("both sides would run on the same file: nothing to compare")

    pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
    share = QUICK_SHARE if options.quick else 1.0
    time_limit = QUICK_TIME_LIMIT if options.quick else TIME_LIMIT
    results, failures = measure_all(cells, settings, pairs, share, time_limit)

    where = machine()
    other = options.base.resolve().name if options.base else "libzmq"
    heading = (
        f"{time.strftime('%Y-%m-%d')}, {where['processor']}, {where['cores']} cores, "
        f"Linux {where['kernel']}; {pairs} pairs of "
        f"{'short ' if options.quick else ''}runs. Size of the library in KiB, "
        "with what it loads besides the C library: "
        + ", ".join(
            f"{side} {lib['bytes'] // 1024} ({lib['bytes_with_dependencies'] // 1024})"
            for side, lib in zip(("ours", other), libraries)
        )
        + "."
    )
    text = table(results, cells, heading, other)
    print(f"\n{text}")
    for name, problem in failures.items():
        print(f"FAILED {name}: {problem}")
    (BUILD / "results.json").write_text(
        json.dumps(
            {
                "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "machine": where,
                "libraries": dict(zip(("ours", "other"), libraries)),
                "pairs": pairs,
                "share_of_count": share,
                "cells": results,
                "failures": failures,
            },
            indent=1,
        )
    )
    if options.write:
        write_report(text)
    return 1 if failures else 0


def measure_all(cells, settings, pairs, share, time_limit):
    """Measures cell by cell, telling each result as it comes."""
    results, failures = {}, {}
    for number, (name, cell) in enumerate(cells.items(), 1):
        label = f"[{number:2}/{len(cells)}] {name:<26}"
        try:
            results[name] = measure(cell, settings, pairs, share, time_limit)
        except Failed as problem:
            failures[name] = str(problem)
            print(f"{label} FAILED, {problem}", flush=True)
            continue
        told = []
        for metric in cell.metrics:
            summary = results[name][metric.name]
            sides = (short(summary[f"{side}_median"]) for side in ("ours", "other"))
            told.append(
                f"{' : '.join(sides)} {metric.unit} = {ratio_text(summary['ratio'])}"
            )
        print(f"{label} {'; '.join(told)}", flush=True)
    return results, failures


if __name__ == "__main__":
    sys.exit(main())
