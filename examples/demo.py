#!/usr/bin/env python3
"""Runs the example programs on the system's libzmq and on ours, and compares.

The programs are compiled once, against the system's header and library where
they are installed. What changes between the runs is only which libzmq.so.5 the
loader finds: the system's, ours by LD_LIBRARY_PATH, ours by LD_PRELOAD; each
process is asked (/proc/PID/maps) which one it really has.

The exit status is 0 when every step of every scenario worked.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

from stage import BUILD, Failed, Library, Stage

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"

# The scenarios. Each plays on a stage and returns a Result.


def hello(stage):
    """The client starts first; the server comes 0.3 s later."""
    endpoint = stage.tcp()
    stage.release_ports()
    client = stage.start("hwclient", endpoint, 10)
    client.wait_for("^connecting")
    time.sleep(0.3)
    start = time.monotonic()
    server = stage.start("hwserver", endpoint)
    client.wait_for("^round trip 10: World$")
    elapsed = time.monotonic() - start
    client.wait()
    if "answered 10 requests" not in server.stop():
        raise Failed("the server counted other requests than ten")
    return stage.result(elapsed, 20)


def restart(stage):
    """kill -9 on the server amid the requests; the client goes on with the
    next server."""
    endpoint = stage.tcp()
    stage.release_ports()
    requests = 40
    server = stage.start("hwserver", endpoint)
    server.wait_for("^ready")
    start = time.monotonic()
    client = stage.start("patientclient", endpoint, requests, 200, 20, 10)
    client.wait_for("^request 10: World$")
    server.kill()
    time.sleep(0.3)
    server = stage.start("hwserver", endpoint)
    output = client.wait()
    elapsed = time.monotonic() - start
    server.stop()
    match = re.search(rf"^{requests} requests answered, (\d+) retries$", output, re.M)
    if not match or int(match[1]) == 0:
        raise Failed("the client never had to try again")
    return stage.result(elapsed, 2 * requests)


def weather(stage):
    """Five subscribers on two transports, each with its own zip code out of
    100 000; a publisher at full speed."""
    least, wanted = (1_000_000, 10) if stage.quick else (10_000_000, 100)
    tcp, ipc = stage.tcp(), stage.ipc("weather")
    stage.release_ports()
    clients = [
        stage.start("wuclient", endpoint, zip_code, wanted)
        for endpoint, zip_code in [
            (tcp, "10001"),
            (ipc, "20095"),
            (tcp, "30159"),
            (ipc, "48143"),
            (tcp, "99501"),
        ]
    ]
    for client in clients:
        client.wait_for("^collecting")
    start = time.monotonic()
    server = stage.start("wuserver", tcp, ipc)
    for client in clients:
        client.wait()
    server.wait_for(rf"^{least // 1_000_000}\d* updates so far$")
    output = server.stop()
    elapsed = time.monotonic() - start
    match = re.search(r"^(\d+) updates published in (\S+) seconds$", output, re.M)
    if not match or int(match[1]) < least:
        raise Failed("the publisher published too little")
    return stage.result(elapsed, int(match[1]), int(match[1]) / float(match[2]))


def pipeline(workers):
    def play(stage):
        tasks, longest_ms = (48, 20) if stage.quick else (100, 40)
        source, sink_endpoint = stage.tcp(), stage.tcp()
        stage.release_ports()
        sink = stage.start("tasksink", sink_endpoint)
        sink.wait_for("^ready")
        crew = [
            stage.start("taskwork", source, sink_endpoint) for _ in range(workers)
        ]
        for worker in crew:
            worker.wait_for("^ready")
        ventilator = stage.start(
            "taskvent", source, sink_endpoint, tasks, longest_ms, 400
        )
        ventilator.wait()
        match = re.search(r"^(\d+) results in (\S+) seconds$", sink.wait(), re.M)
        done = [int(re.search(r"^(\d+) tasks done$", w.stop(), re.M)[1]) for w in crew]
        if int(match[1]) != tasks or sum(done) != tasks or min(done) == 0:
            raise Failed(f"{tasks} tasks became {match[1]} results of {done}")
        return stage.result(float(match[2]), 2 * tasks)

    play.__doc__ = f"Tasks that sleep, shared out to {workers} worker(s)."
    return play


def ask(stage, endpoint, clients, requests):
    """Some clients ask at once; returns the time until the last is done."""
    start = time.monotonic()
    crowd = [
        stage.start("rrclient", endpoint, requests, f"client-{i}")
        for i in range(clients)
    ]
    for client in crowd:
        client.wait()
    return time.monotonic() - start


def broker(stage):
    """Four clients, two workers, and a count of what passed between."""
    clients, requests = 4, 500 if stage.quick else 5000
    front, back = stage.tcp(), stage.tcp()
    stage.release_ports()
    proxy = stage.start("broker", front, back)
    proxy.wait_for("^ready")
    workers = [stage.start("rrworker", back) for _ in range(2)]
    for worker in workers:
        worker.wait_for("^ready")
    elapsed = ask(stage, front, clients, requests)
    total = clients * requests
    answered = [
        int(re.search(r"^answered (\d+) ", w.stop(), re.M)[1]) for w in workers
    ]
    if sum(answered) != total:
        raise Failed(f"the workers answered {answered} of {total} requests")
    if f"captured {2 * total} messages" not in proxy.stop():
        raise Failed(f"expected {2 * total} messages: {proxy.last_line()}")
    return stage.result(elapsed, 2 * total)


def forwarder(stage):
    """One publisher, a reader for each of two topics; none may miss a story."""
    stories = 20_000 if stage.quick else 200_000
    front, back = stage.tcp(), stage.tcp()
    stage.release_ports()
    proxy = stage.start("forwarder", front, back)
    proxy.wait_for("^ready")
    readers = [
        stage.start("newsreader", back, topic, stories)
        for topic in ["moon", "city"]
    ]
    for reader in readers:
        reader.wait_for("^reading")
    start = time.monotonic()
    newsroom = stage.start("newsroom", front, stories, len(readers))
    for reader in readers:
        reader.wait()
    elapsed = time.monotonic() - start
    newsroom.wait()
    match = re.search(r"^captured (\d+) messages", proxy.stop(), re.M)
    # Besides the stories: each reader's subscription, perhaps its cancelling.
    extra = int(match[1]) - len(readers) * stories
    if not len(readers) <= extra <= 2 * len(readers):
        raise Failed(f"the forwarder captured {match[1]} messages")
    return stage.result(elapsed, len(readers) * stories)


def threads(stage):
    """Four clients of one server that has four threads."""
    clients, requests = 4, 500 if stage.quick else 5000
    endpoint = stage.tcp()
    stage.release_ports()
    server = stage.start("mtserver", endpoint, 4)
    server.wait_for("^ready")
    elapsed = ask(stage, endpoint, clients, requests)
    server.stop()
    return stage.result(elapsed, 2 * clients * requests)


SCENARIOS = {
    "hello world, client first": hello,
    "server killed, restarted": restart,
    "weather, 5 subscribers": weather,
    "pipeline, 1 worker": pipeline(1),
    "pipeline, 2 workers": pipeline(2),
    "pipeline, 4 workers": pipeline(4),
    "broker with capture": broker,
    "forwarder with capture": forwarder,
    "multithreaded server": threads,
}


def compile_examples(library_dir):
    """Compiles everything; returns the system's library file, or None."""
    BUILD.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    common = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra"]
    probe = BUILD / "probe"
    has_system = (
        subprocess.run(
            [*common, "-xc", "-", "-o", probe, "-lzmq"],
            input=b"#include <zmq.h>\nint main (void) { return zmq_errno (); }\n",
            capture_output=True,
        ).returncode
        == 0
    )
    if has_system:
        use = ["-lzmq"]
        say("compiling against the system's zmq.h and libzmq")
    else:
        use = [f"-I{ROOT / 'include'}", f"-L{library_dir}", "-l:libzmq.so.5"]
        say("the system has no libzmq: compiling against ours, comparing nothing")
    for source in sorted(EXAMPLES.glob("*.c")):
        program = BUILD / source.stem
        subprocess.run(
            [*common, source, "-o", program, "-ldl", *use, "-pthread"], check=True
        )
    if not has_system:
        return None
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    listing = subprocess.run(
        ["ldd", probe], capture_output=True, text=True, env=clean, check=True
    ).stdout
    return os.path.realpath(re.search(r"libzmq\.so\.5 => (\S+)", listing)[1])


def libraries(library_dir, system_file):
    ours = library_dir / "libzmq.so.5"
    if not ours.exists():
        sys.exit(f"{ours} is missing: build the library first (make)")
    file = os.path.realpath(ours)
    found = [
        Library("ours", [f"LD_LIBRARY_PATH={library_dir}"], file),
        Library("preload", [f"LD_PRELOAD={ours}"], file),
    ]
    if system_file:
        found.insert(0, Library("system", [], system_file))
    return found


def check_version(library):
    """The version program must say that it runs on the file we meant."""
    stage = Stage(library, quick=True)
    try:
        line = stage.start("version").wait().strip()
    finally:
        stage.clear()
    if os.path.realpath(line.rsplit(" ", 1)[-1]) != library.file:
        raise Failed(f"wrong library: {line}")
    return line


def say(text):
    print(text, flush=True)


def run_everything(names, chosen, quick):
    """Plays all scenarios; returns the results and the number of failures."""
    results, failures = {}, 0
    for library in chosen:
        try:
            say(f"[{library.name}] {check_version(library)}")
        except Failed as problem:
            failures += 1
            say(f"[{library.name}] version FAILED: {problem}")
    steps = len(names) * len(chosen)
    step = 0
    for name in names:
        for library in chosen:
            step += 1
            stage = Stage(library, quick)
            label = f"[{step:2}/{steps}] {name:<26} {library.name:<8}"
            try:
                result = SCENARIOS[name](stage)
                results[name, library.name] = result
                say(
                    f"{label} ok  {result.elapsed:7.3f} s"
                    f"  {human(result.rate):>6} msg/s"
                )
            except Failed as problem:
                failures += 1
                say(f"{label} FAILED: {problem}")
            finally:
                stage.clear()
    return results, failures


def check_scaling(results, chosen):
    """More workers must mean less time; returns the number of failures."""
    failures = 0
    for library in chosen:
        times = [
            results.get((f"pipeline, {crew}", library.name))
            for crew in ["1 worker", "2 workers", "4 workers"]
        ]
        if None in times:
            continue
        one, two, four = (result.elapsed for result in times)
        good = two < 0.75 * one and four < 0.75 * two
        failures += not good
        say(
            f"[{library.name}] pipeline with 1, 2, 4 workers: "
            f"{one:.2f}, {two:.2f}, {four:.2f} s {'ok' if good else 'FAILED'}"
        )
    return failures


def human(value):
    for limit, unit in [(1e6, "M"), (1e4, "k")]:
        if value >= limit:
            return f"{value / (1e6 if unit == 'M' else 1e3):.1f}{unit}"
    return f"{value:.0f}"


def table(results, names):
    """Ours beside the system's, one row for each scenario."""
    columns = [
        ("elapsed s", lambda r: f"{r.elapsed:.3f}"),
        ("messages/s", lambda r: human(r.rate)),
        ("CPU s", lambda r: f"{r.cpu:.2f}"),
        ("memory MiB", lambda r: f"{r.memory_kib / 1024:.1f}"),
    ]
    say("")
    say(f"{'':26}" + "".join(f" | {title:^17}" for title, _ in columns) + " |")
    say(f"{'scenario':26}" + f" | {'ours':>8} {'system':>8}" * 4 + " | preload")
    say("-" * 26 + ("-+-" + "-" * 17) * 4 + "-+--------")
    for name in names:
        ours = results.get((name, "ours"))
        system = results.get((name, "system"))
        row = f"{name:26}"
        for _, show in columns:
            left = show(ours) if ours else "failed"
            right = show(system) if system else "-"
            row += f" | {left:>8} {right:>8}"
        say(row + (" | ok" if (name, "preload") in results else " | failed"))
    say("")
    say(
        "elapsed: until the scenario's last message; CPU: user and system time"
        " of all\nits processes; memory: the largest resident set among them."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--lib",
        type=Path,
        default=ROOT / "target" / "release",
        help="directory of our libzmq.so.5 (default: target/release)",
    )
    parser.add_argument("--quick", action="store_true", help="smaller counts, for CI")
    parser.add_argument("--only", help="run the scenarios whose name contains this")
    options = parser.parse_args()

    # A terminated demo still clears its stage.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for name in ["LD_LIBRARY_PATH", "LD_PRELOAD"]:
        os.environ.pop(name, None)

    library_dir = options.lib.resolve()
    chosen = libraries(library_dir, compile_examples(library_dir))
    names = [name for name in SCENARIOS if (options.only or "") in name]
    results, failures = run_everything(names, chosen, options.quick)
    failures += check_scaling(results, chosen)
    table(results, names)
    if failures:
        say(f"{failures} step(s) failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
