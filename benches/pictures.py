"""The pictures of BENCHMARKS.md, drawn from what was measured."""

import re

from cells import CPU, SIZES
from report import reached
from results import SIDES
from svg import BarChart, LineChart, magnitude

QUANTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)


def draw_all(results, cells, place):
    """Writes every picture for which there are figures."""
    place.mkdir(exist_ok=True)
    drawn = {**throughput(results), **latency(results), **growth(results)}
    drawn["ratios"] = ratios(results, cells)
    for name, chart in drawn.items():
        if chart:
            (place / f"{name}.svg").write_text(chart.text())


def point(x, figure, side, convert=lambda value: value):
    """Where a side's figure lies, with its spread; None without one."""
    values = [convert(value) for value in figure.values[side] if value]
    if not values:
        return None
    return (x, convert(figure.median(side)), min(values), max(values))


def chart(title, x_title, y_title, x_ticks, figures, convert=lambda value: value):
    """A chart of one figure for each position; None if nobody has one. `figures`
    are pairs of position and figure."""
    series = {}
    for side in SIDES:
        points = [point(x, figure, side, convert) for x, figure in figures]
        series[side] = [p for p in points if p]
    if not any(series.values()):
        return None
    return LineChart(title, x_title, y_title, series, x_ticks)


def size_name(size):
    for limit, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= limit:
            return f"{size // limit} {unit}"
    return f"{size} B"


def throughput(results):
    ticks = [(size, size_name(size)) for size in SIZES]
    return {
        f"throughput-{transport}": chart(
            f"Throughput over {transport}: one PUSH, one PULL",
            "size of a message",
            "messages/s; the limit is "
            + ("a bare ring in memory" if transport == "inproc" else "a bare stream in "
               "64 KiB writes"),
            ticks,
            [(size, results.figure(f"thr-{transport}-{size}", "rate")) for size in SIZES],
        )
        for transport in ("tcp", "ipc", "inproc")
    }


def latency(results):
    """Quantiles on an axis that stretches the rare ones."""
    ticks = [(100 / (100 - q), f"{q:g} %") for q in (1, 50, 75, 90, 95, 99, 99.9)]
    return {
        f"latency-{transport}": chart(
            f"Latency over {transport}, 16 B: REQ–REP, one way",
            "share of messages that took at most that long",
            "µs; the limit is a bare ping-pong whose ends spin",
            ticks,
            [
                (100 / (100 - q), results.figure(f"lat-{transport}-16", f"p{q:g}_us"))
                for q in QUANTILES
            ],
        )
        for transport in ("tcp", "ipc", "inproc")
    }


def growth(results):
    """How costs grow: name, title, axes, cells by position, figure."""

    def grown(title, x_title, y_title, pattern, positions, metric, convert=lambda v: v):
        return chart(
            title,
            x_title,
            y_title,
            [(position, magnitude(position)) for position in positions],
            [(x, results.figure(pattern.format(x), metric)) for x in positions],
            convert,
        )

    connections, fan_out = (10, 1000, 10_000), (1, 10, 100, 1000)
    nanoseconds = lambda rate: 1e9 / rate
    return {
        "growth-memory": grown(
            "Memory of an accepted, idle connection", "connections",
            "bytes each, resident", "memory-tcp-{}", (10, 100, 1000, 10_000),
            "accepted_bytes",
        ),
        "growth-setup": grown(
            "Connections to one socket: set-up", "connections", "µs each, until all are there",
            "many-{}", connections, "setup_rate", lambda rate: 1e6 / rate,
        ),
        "growth-busy": grown(
            "One busy connection among idle ones", "idle connections",
            "ns a message, 8 bytes", "many-{}", connections, "busy_rate", nanoseconds,
        ),
        "growth-all": grown(
            "Messages over all connections in turn", "connections",
            "ns a message, 8 bytes", "many-{}", connections, "all_rate", nanoseconds,
        ),
        "growth-fan-out": grown(
            "Fan-out: every message to every SUB", "subscribers", "ns a delivery, 64 bytes",
            "pubsub-{}-all", fan_out, "rate", nanoseconds,
        ),
        "growth-filters": grown(
            "Filters: every message to one SUB of many", "subscribers",
            "ns a delivery, 64 bytes", "pubsub-{}", fan_out, "rate", nanoseconds,
        ),
        "growth-topics": grown(
            "Subscriptions of one SUB", "topics", "ns CPU a delivery, both ends",
            "pubsub-1-topics-{}", (1000, 100_000, 1_000_000), CPU.name,
        ),
        "growth-requests": grown(
            "Request and reply: DEALERs to one ROUTER", "clients", "ns a round trip",
            "reqrep-{}", fan_out, "rate", nanoseconds,
        ),
        "growth-poll": grown(
            "zmq_poll over idle sockets", "sockets", "ns a call",
            "poll-{}-idle", (10, 100, 1000), "rate", nanoseconds,
        ),
        "growth-io-threads": grown(
            "Eight connections of one socket", "I/O threads", "messages/s, 64 bytes",
            "share-{}", (1, 2, 4), "rate",
        ),
    }


def ratios(results, cells):
    """How many times better every figure is than libzmq's."""
    rows = []
    for name, cell in cells.items():
        for metric in cell.metrics:
            figure = results.figure(name, metric.name)
            better = [r if metric.more_is_better else 1 / r for r in figure.ratios() if r]
            if not better or not figure.ratio:
                continue
            ratio = figure.ratio if metric.more_is_better else 1 / figure.ratio
            rows.append(
                (
                    f"{name}, {metric.unit}",
                    ratio,
                    min(better),
                    max(better),
                    ratio_wanted(cell, metric),
                    reached(cell, metric, figure),
                )
            )
    if not rows:
        return None
    return BarChart(
        "Ours against libzmq: how many times better",
        "bar: median of pairs; line: range; tick: target. Green: reached, amber: better, "
        "not there yet, red: behind",
        rows,
    )


def ratio_wanted(cell, metric):
    """The target ratio, as a number of times better."""
    for target in cell.targets.get(metric.name, ()):
        match = re.fullmatch(r"([≥≤]) ([\d.]+)×", target.text)
        if match:
            value = float(match[2])
            return value if match[1] == "≥" else 1 / value
    return None
