"""Starts the Java programs, each a process of its own, over tcp and ipc."""

import glob
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs

JNI = ":".join(glob.glob("/usr/lib/*/jni"))
CLASSES = f"/usr/share/java/zmq.jar:{os.environ['CLASSES']}"


def java(name, *arguments):
    command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", f"-Djava.library.path={JNI}"]
    return Program(*command, "-cp", CLASSES, name, *arguments)


def looked_at(*programs):
    """Tells which libzmq each runs on, once it has called it, and lets it go on."""
    for program in programs:
        program.line("look")
        program.ran_on()
        program.say("")


with programs() as folder:
    with check("version"):
        program = java("Version")
        version = program.line(".")
        looked_at(program)
        assert version in ("4.3.4 40304", "4.3.5 40305"), version
    endpoints = {
        "tcp": lambda name: f"tcp://127.0.0.1:{free_port()}",
        "ipc": lambda name: f"ipc://{folder}/{name}",
    }
    for transport, endpoint in endpoints.items():
        with check(f"{transport}: hello world"):
            where = endpoint("hello")
            server = java("HelloWorld", "server", where, 2000)
            server.line("serving")
            client = java("HelloWorld", "client", where, 2000)
            assert client.line("right") == "right 2000"
            looked_at(client, server)
            assert [client.line("ended"), client.end(), server.end()] == ["ended", 0, 0]
        with check(f"{transport}: weather"):
            where = endpoint("weather")
            server = java("Weather", "server", where)
            server.line("serving")
            clients = [java("Weather", "client", where, zip, 500) for zip in (10001, 10007)]
            for client in clients:
                assert client.line("right") == "right 500"
            looked_at(*clients, server)
            assert [program.end() for program in (*clients, server)] == [0, 0, 0]
        with check(f"{transport}: pipeline"):
            tasks, sums, control = (endpoint(name) for name in ("tasks", "sums", "control"))
            sink = java("Pipeline", "sink", sums, control, 5000)
            vent = java("Pipeline", "vent", tasks, sums, 5000)
            for program in (sink, vent):
                program.line("serving")
            workers = [java("Pipeline", "work", tasks, sums, control) for _ in range(2)]
            looked_at(*workers, vent)
            assert sink.line("sum") == vent.line("sum") == "sum 12502500"
            looked_at(sink)
            told = [worker.line("told").split() for worker in workers]
            assert sum(int(words[-1]) for words in told) == 5000, told
            assert [program.end() for program in (*workers, vent, sink)] == [0] * 4
done()
