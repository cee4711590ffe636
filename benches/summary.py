#!/usr/bin/env python3
"""The table and the picture of README.md: some rows of the results in BENCHMARKS.md.

    benches/summary.py           says whether they are those of BENCHMARKS.md
    benches/summary.py --write   takes them over; benches/run.py --write does, too

Which rows those are is decided here, and not by how they came out: one or two of
each kind of cell.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

from svg import BarChart

ROOT = Path(__file__).resolve().parent.parent
REPORT, README = ROOT / "BENCHMARKS.md", ROOT / "README.md"
PICTURE = ROOT / "benches/pictures/summary.svg"
MARKS = ("<!-- comparison: begin (made by benches/summary.py) -->",
         "<!-- comparison: end -->")

# Cell, unit, and what that is in words.
ROWS = (
    ("thr-tcp-16", "msg/s", "tcp, 16 bytes, one way"),
    ("thr-tcp-4096", "msg/s", "tcp, 4 KiB, one way"),
    ("thr-ipc-256", "msg/s", "ipc, 256 bytes, one way"),
    ("thr-inproc-16", "msg/s", "inproc, 16 bytes, one way"),
    ("lat-tcp-16", "µs p50", "latency over tcp, median"),
    ("lat-tcp-16", "µs p99", "latency over tcp, 99 %"),
    ("lat-inproc-16", "µs p50", "latency over inproc, median"),
    ("pubsub-10", "msg/s", "PUB to one of 10 SUBs"),
    ("pubsub-100-all", "msg/s", "PUB to all of 100 SUBs"),
    ("reqrep-100", "round trips/s", "100 clients ask a ROUTER"),
    ("proxy-reqrep", "round trips/s", "requests through zmq_proxy"),
    ("curve-tcp-1024", "msg/s", "CURVE over tcp, 1 KiB"),
    ("curve-handshakes", "handshakes/s", "handshakes of CURVE"),
    ("memory-tcp-1000", "bytes accepted", "memory of an idle connection"),
    ("poll-1000-idle", "calls/s", "zmq_poll over 1000 idle sockets"),
    ("setup-tcp", "cycles/s", "context, socket, bind, close, term"),
    ("trickle-recv", "µs CPU per msg", "CPU of a message every 10 ms"),
    ("size", "bytes with dependencies", "library with what it needs"),
)


class Report:
    """The results as BENCHMARKS.md shows them."""

    def __init__(self, text):
        results = text.split("<!-- results: begin -->")[1].split("<!-- results: end -->")[0]
        lines = [line for line in results.splitlines() if line]
        self.heading = lines[0]
        table = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in lines if line.startswith("|")
        ]
        columns = table[0]
        self.ratio, self.range = columns.index("ours ÷ libzmq"), columns.index("range")
        self.cpu = columns.index("CPU ÷")
        self.rows = {(row[0], row[1][:-2]): row for row in table if len(row) == len(columns)}

    def chosen(self):
        """The rows to show, with what they are in words; those that were measured."""
        for cell, unit, words in ROWS:
            row = self.rows.get((cell, unit))
            if row and row[self.range] != "–":
                yield words, row

    def table(self):
        yield self.heading
        yield ""
        yield "| | unit | ours | libzmq | ours ÷ libzmq | CPU ÷ |"
        yield "|---|---|--:|--:|--:|--:|"
        for words, row in self.chosen():
            cells = [words, *row[1:4], row[self.ratio], row[self.cpu]]
            yield "| " + " | ".join(cells) + " |"

    def picture(self):
        rows = []
        for words, row in self.chosen():
            ratio = float(row[self.ratio].strip("*×"))
            spread = [float(figure) for figure in row[self.range].split(" – ")]
            if spread[0] == spread[1]:
                spread = [ratio, ratio]
            if not row[1].endswith("↑"):
                ratio, *spread = (1 / max(figure, 0.001) for figure in (ratio, *spread))
            rows.append((words, ratio, min(spread), max(spread), None, None))
        return BarChart(
            "Ours against libzmq: how many times better",
            "bar: median of pairs; line: range. Green: better, red: behind", rows
        ).text()


def current():
    """What README and picture should be."""
    report = Report(REPORT.read_text())
    readme = README.read_text()
    begin, end = (readme.index(mark) for mark in MARKS)
    table = "\n".join(report.table())
    return f"{readme[:begin]}{MARKS[0]}\n\n{table}\n\n{readme[end:]}", report.picture()


def write():
    readme, picture = current()
    README.write_text(readme)
    PICTURE.write_text(picture)


def main():
    if "--write" in sys.argv[1:]:
        write()
    readme, picture = current()
    stale = [path for path, text in ((README, readme), (PICTURE, picture))
             if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} does not show what BENCHMARKS.md has: "
              "benches/summary.py --write")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
