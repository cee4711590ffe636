"""What is measured: every cell with its program, its figures, what they are to
reach, and the limit that the machine sets."""

from dataclasses import dataclass
from typing import Callable, Optional

COUNT = "COUNT"  # stands for the scaled count among a program's arguments


@dataclass(frozen=True)
class Metric:
    """A figure that a program prints, and how to read it."""

    name: str
    unit: str
    more_is_better: bool = False


RATE = Metric("rate", "msg/s", True)
CALLS = Metric("rate", "calls/s", True)
CYCLES = Metric("rate", "cycles/s", True)
HANDSHAKES = Metric("rate", "handshakes/s", True)
ROUND_TRIPS = Metric("rate", "round trips/s", True)
UPDATES = Metric("rate", "updates/s", True)
TASKS = Metric("rate", "tasks/s", True)
SHARE = Metric("share", "% of the rate alone", True)
P50 = Metric("p50_us", "µs p50")
P99 = Metric("p99_us", "µs p99")
IDLE_CPU = Metric("cpu_us_per_s", "µs CPU per s")
IDLE_SWITCHES = Metric("switches_per_s", "switches/s")
TRICKLE_CPU = Metric("cpu_us", "µs CPU per msg")
TRICKLE_SWITCHES = Metric("switches", "switches per msg")
ACCEPTED_BYTES = Metric("accepted_bytes", "bytes accepted")
CONNECTING_BYTES = Metric("connecting_bytes", "bytes connecting")
ACCEPTED_FDS = Metric("accepted_fds", "fds accepted")
CONNECTING_FDS = Metric("connecting_fds", "fds connecting")
MEMORY = (ACCEPTED_BYTES, CONNECTING_BYTES, ACCEPTED_FDS, CONNECTING_FDS)
SETUP_RATE = Metric("setup_rate", "connections/s", True)
ALL_RATE = Metric("all_rate", "msg/s over all", True)
BUSY_RATE = Metric("busy_rate", "msg/s over a busy one", True)
BUSY_SHARE = Metric("busy_share", "% of the busy one's rate alone", True)
FAIR_P99 = Metric("p99_beside_us", "µs p99 beside a busy one")
FAIR_TIMES = Metric("times", "times the p99 alone")
FILE_BYTES = Metric("bytes", "bytes")
ALL_FILES_BYTES = Metric("bytes_with_dependencies", "bytes with dependencies")
CPU = Metric("cpu_ns", "ns CPU")  # beside the others, where printed


@dataclass(frozen=True)
class Target:
    """What a figure is to reach."""

    text: str
    reached: Callable  # of the summaries of a figure; see report.py


def ratio_from(least):
    return Target(f"≥ {least:g}×", lambda figure: figure.ratio >= least)


def ratio_to(most):
    return Target(f"≤ {most:g}×", lambda figure: figure.ratio <= most)


def figure_from(least):
    return Target(f"≥ {least:g}", lambda figure: figure.median("ours") >= least)


def figure_to(most):
    return Target(f"≤ {most:g}", lambda figure: figure.median("ours") <= most)


def of_limit_from(least):
    return Target(
        f"≥ {least:.0%} of the limit",
        lambda figure: figure.median("ours") >= least * (figure.median("limit") or 0),
    )


def not_above_libzmq():
    """For what may be nothing, so that there is no ratio."""
    return Target(
        "≤ libzmq",
        lambda figure: figure.median("ours") <= 1.05 * (figure.median("libzmq") or 0),
    )


# The processor time for each message, wherever a rate or a latency has a target.
CPU_TARGET = ratio_to(0.35)
# No cell may be slower; the rest is noise.
NOT_SLOWER = ratio_from(0.95)
NOT_MORE = ratio_to(1.05)


@dataclass(frozen=True)
class Cell:
    """One program with its arguments."""

    program: str
    arguments: tuple
    count: int
    metrics: tuple
    targets: dict  # by the metric's name: a list
    limit: Optional[tuple] = None  # what raw.c is asked for
    cpu_counts: bool = True  # the processor time has a target, too
    least: int = 1  # whatever share is asked for

    def command(self, share):
        return scaled(self.program, self.arguments, self.scaled_count(share))

    def limit_command(self, share):
        return scaled("raw", self.limit, self.scaled_count(share))

    def scaled_count(self, share):
        return max(int(self.count * share), self.least)


def scaled(program, arguments, count):
    return [
        program,
        *(str(count if argument == COUNT else argument) for argument in arguments),
    ]


SIZES = (16, 64, 256, 1024, 4096, 65536, 1048576)

# Counts are chosen for half a second or so on libzmq 4.3.4 with two cores.
THROUGHPUT = {
    "tcp": (4_000_000, 3_000_000, 1_200_000, 400_000, 150_000, 15_000, 1_500),
    "ipc": (3_000_000, 2_500_000, 1_200_000, 400_000, 150_000, 15_000, 1_500),
    "inproc": (5_000_000, 3_000_000, 3_000_000, 2_000_000, 1_200_000, 600_000, 1_000_000),
}
THROUGHPUT_TARGETS = {
    "tcp": (4, 4, 4, 4, 4, 2.5, 2),
    "ipc": (3.5, 3.5, 3.5, 4, 4, 4, 1),
    "inproc": (3, 3, 6, 6, 6, 6, 6),
}
LATENCY_SIZES = (16, 256, 1024, 4096, 65536, 1048576)
ROUND_TRIP_COUNTS = {
    "tcp": (5_000, 5_000, 5_000, 5_000, 3_000, 500),
    "ipc": (5_000, 5_000, 5_000, 5_000, 3_000, 500),
    "inproc": (10_000,) * 6,
}
LATENCY_TARGETS = {"tcp": 0.15, "ipc": 0.12, "inproc": 0.03}
LATENCY_TARGET_SIZES = {"tcp": 4096, "ipc": 65536, "inproc": 1 << 20}
SEND_SIZES = (16, 4096)  # of the cells with zmq_send and zmq_recv
UNDER_WAY = 64  # requests of reqrep.c
FANS = (
    ("in", "push-in"), ("in-router", "dealer-in"), ("in-sub", "pub-in"),
    ("out", "push-out"), ("out-pub", "pub-out"), ("requests", "requests"),
)


def all_cells():
    """Every cell by name."""
    cells = {}
    add_throughput(cells)
    add_latency(cells)
    add_publishing(cells)
    add_requests(cells)
    add_fans(cells)
    add_proxies(cells)
    add_curve(cells)
    add_scale(cells)
    add_life(cells)
    add_end_to_end(cells)
    add_machine(cells)
    return cells


def add_throughput(cells):
    for transport, counts in THROUGHPUT.items():
        ring = transport == "inproc"
        for size, count, least in zip(SIZES, counts, THROUGHPUT_TARGETS[transport]):
            limit = ("ring", size, 30_000_000) if ring else ("stream", transport, size, COUNT)
            targets = [ratio_from(least)]
            if transport == "tcp" and size >= 65536:
                targets.append(of_limit_from(0.85))
            for suffix, how in (("", "msg"), ("-send", "send")):
                if suffix and size not in SEND_SIZES:
                    continue
                cells[f"thr-{transport}-{size}{suffix}"] = Cell(
                    "thr",
                    (transport, size, COUNT, how),
                    count,
                    (RATE,),
                    {RATE.name: targets},
                    limit,
                )


def add_latency(cells):
    def add(name, transport, size, count, pattern, place, most):
        if transport == "inproc":
            limit = ("bounce", COUNT) if place != "onecore" else None
        else:
            how = "onecore" if place == "onecore" else "spin"
            limit = ("pingpong", transport, size, COUNT, how)
        targets = [ratio_to(most)]
        cells[name] = Cell(
            "lat",
            (transport, size, COUNT, pattern, place),
            count,
            (P50, P99),
            {P50.name: targets, P99.name: targets},
            limit,
        )

    for transport, counts in ROUND_TRIP_COUNTS.items():
        place = "apart" if transport == "inproc" else "any"
        for size, count in zip(LATENCY_SIZES, counts):
            small = size <= LATENCY_TARGET_SIZES[transport]
            most = LATENCY_TARGETS[transport] if small else 1.05
            add(f"lat-{transport}-{size}", transport, size, count, "reqrep", place, most)
        most = LATENCY_TARGETS[transport]
        add(f"lat-{transport}-16-pair", transport, 16, counts[0], "pair", place, most)
        add(f"lat-{transport}-16-onecore", transport, 16, 10_000, "reqrep", "onecore", 0.4)


def add_publishing(cells):
    def add(name, subscribers, count, mode, topics):
        cells[name] = Cell(
            "pubsub",
            ("tcp", subscribers, COUNT, 64, mode, topics),
            count,
            (RATE,),
            {RATE.name: [ratio_from(3)]},
        )

    for subscribers, count in ((1, 1_000_000), (10, 600_000), (100, 200_000), (1000, 100_000)):
        add(f"pubsub-{subscribers}", subscribers, count, "filter", 10)
    for subscribers, count in ((1, 1_000_000), (10, 100_000), (100, 10_000), (1000, 600)):
        add(f"pubsub-{subscribers}-all", subscribers, count, "all", 1)
    for topics, count in ((1_000, 800_000), (100_000, 600_000), (1_000_000, 400_000)):
        add(f"pubsub-1-topics-{topics}", 1, count, "filter", topics)


def add_requests(cells):
    for clients, count in ((1, 300_000), (10, 150_000), (100, 50_000), (1000, 40_000)):
        cells[f"reqrep-{clients}"] = Cell(
            "reqrep",
            ("tcp", clients, COUNT, 16),
            count,
            (ROUND_TRIPS,),
            {RATE.name: [ratio_from(3)]},
            ("requests", "tcp", 16, COUNT, clients),
            least=2 * UNDER_WAY + 2 * clients,
        )
    cells["fair-1000"] = Cell(
        "fair",
        ("tcp", 1000, COUNT),
        4_000,
        (FAIR_P99, FAIR_TIMES),
        {FAIR_P99.name: [NOT_MORE], FAIR_TIMES.name: [figure_to(5)]},
        least=200,
    )


def add_fans(cells):
    for transport, counts in (
        ("inproc", (1_500_000, 800_000, 1_200_000, 1_500_000, 1_500_000, 80_000)),
        ("tcp", (1_000_000, 500_000, 800_000, 1_000_000, 1_000_000, 60_000)),
    ):
        for (name, kind), count in zip(FANS, counts):
            cells[f"fan-{name}-4-{transport}"] = Cell(
                "fan",
                (kind, transport, 4, COUNT, 16),
                count,
                (ROUND_TRIPS if kind == "requests" else RATE,),
                {RATE.name: [NOT_SLOWER]},
                cpu_counts=False,
            )


def add_proxies(cells):
    for kind, count, metric in (
        ("push", 1_500_000, RATE),
        ("pubsub", 1_500_000, RATE),
        ("reqrep", 100_000, ROUND_TRIPS),
    ):
        cells[f"proxy-{kind}"] = Cell(
            "proxy", (kind, "tcp", COUNT, 16), count, (metric,), {RATE.name: [ratio_from(3)]}
        )


def add_curve(cells):
    for size, count in (
        (64, 600_000), (256, 400_000), (1024, 250_000), (4096, 80_000), (65536, 6_000),
    ):
        cells[f"curve-tcp-{size}"] = Cell(
            "thr",
            ("tcp", size, COUNT, "msg", "curve"),
            count,
            (RATE,),
            {RATE.name: [ratio_from(1.5)]},
            cpu_counts=False,
        )
    for mechanism, count, least in (("null", 4_000, NOT_SLOWER), ("curve", 2_000, ratio_from(1.5))):
        cells[f"{mechanism}-handshakes"] = Cell(
            "handshakes",
            ("tcp", COUNT, mechanism),
            count,
            (HANDSHAKES,),
            {RATE.name: [least]},
            cpu_counts=False,
        )
    cells["hostile-500"] = Cell(
        "hostile",
        (500, 1024, COUNT),
        150_000,
        (RATE, SHARE),
        {RATE.name: [NOT_SLOWER], SHARE.name: [NOT_SLOWER]},
    )


def add_scale(cells):
    memory_targets = {
        ACCEPTED_BYTES.name: [figure_to(8192)],
        CONNECTING_BYTES.name: [NOT_MORE],
        ACCEPTED_FDS.name: [figure_to(1.01)],
        CONNECTING_FDS.name: [figure_to(1.01)],
    }
    for transport, connections in (
        ("tcp", 10), ("tcp", 100), ("tcp", 1000), ("tcp", 10_000), ("ipc", 1000),
    ):
        cells[f"memory-{transport}-{connections}"] = Cell(
            "memory", (transport, connections), 1, MEMORY, memory_targets
        )
    # An idle crowd is to cost the busy one nothing.
    for connections, count in ((10, 1_500_000), (1000, 1_500_000), (10_000, 1_500_000)):
        cells[f"many-{connections}"] = Cell(
            "many",
            ("tcp", connections, COUNT),
            count,
            (SETUP_RATE, ALL_RATE, BUSY_RATE, BUSY_SHARE),
            {
                SETUP_RATE.name: [ratio_from(2)],
                ALL_RATE.name: [ratio_from(2)],
                BUSY_RATE.name: [ratio_from(2)],
                BUSY_SHARE.name: [figure_from(90)],
            },
        )
    for threads in (1, 2, 4):
        cells[f"share-{threads}"] = Cell(
            "share",
            ("tcp", threads, COUNT, 64),
            1_000_000,
            (RATE,),
            {RATE.name: [NOT_SLOWER]},
            cpu_counts=False,
        )
    for sockets, kind, least in (
        (10, "idle", NOT_SLOWER),
        (100, "idle", NOT_SLOWER),
        (1000, "idle", ratio_from(150)),
        (1000, "one", ratio_from(150)),
    ):
        cells[f"poll-{sockets}-{kind}"] = Cell(
            "poll",
            (sockets, COUNT, kind),
            500,
            (CALLS,),
            {RATE.name: [least]},
        )


def add_life(cells):
    for transport in ("tcp", "ipc", "inproc"):
        cells[f"setup-{transport}"] = Cell(
            "setup",
            (transport, COUNT),
            1_200,
            (CYCLES,),
            {RATE.name: [ratio_from(3)]},
            cpu_counts=False,
        )
    cells["load"] = Cell(
        "setup", ("load", COUNT), 250, (CYCLES,), {RATE.name: [ratio_from(1 / 1.5)]},
        cpu_counts=False,
    )
    # No program: run.py knows the files.
    cells["size"] = Cell(
        "", (), 1, (FILE_BYTES, ALL_FILES_BYTES),
        {ALL_FILES_BYTES.name: [ratio_to(1.5)]},
    )
    cells["idle"] = Cell(
        "idle", (2000,), 1, (IDLE_CPU, IDLE_SWITCHES),
        {IDLE_CPU.name: [not_above_libzmq()], IDLE_SWITCHES.name: [not_above_libzmq()]},
    )
    for how in ("recv", "poll"):
        cells[f"trickle-{how}"] = Cell(
            "trickle",
            ("tcp", COUNT, how),
            100,
            (TRICKLE_CPU, TRICKLE_SWITCHES),
            {TRICKLE_CPU.name: [NOT_MORE], TRICKLE_SWITCHES.name: [NOT_MORE]},
        )


def add_end_to_end(cells):
    for name, program, count, metric in (
        ("weather", "weather", 10_000_000, UPDATES),
        ("pipeline", "pipeline", 1_500_000, TASKS),
    ):
        cells[name] = Cell(
            program, ("tcp", COUNT), count, (metric,), {RATE.name: [NOT_SLOWER]},
            cpu_counts=False,
        )


def add_machine(cells):
    """The machine by itself: no library takes part."""
    for transport in ("tcp", "ipc"):
        for write_size in (8192, 65536, 262144, 1048576):
            cells[f"raw-stream-{transport}-{write_size}"] = Cell(
                "", (), 1, (Metric("mb_per_s", "MB/s", True),), {},
                ("stream", transport, 65536, 1, write_size),
            )
        for how in ("block", "spin", "onecore"):
            cells[f"raw-pingpong-{transport}-{how}"] = Cell(
                "", (), 5_000, (P50, P99), {},
                ("pingpong", transport, 16, COUNT, how),
            )
