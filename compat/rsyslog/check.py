"""Logs to a unix socket; the lines go through czmq, and end in a file."""

import os
import socket
import sys
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs, wait_for

ROOT = Path(os.environ["ROOT"])
MODULES = next(ROOT.glob("usr/lib/*/rsyslog"))
LINES = 500


def daemon(folder, name, configuration):
    (folder / f"{name}.conf").write_text(configuration)
    return Program(
        ROOT / "usr/sbin/rsyslogd", "-n", "-M", MODULES, "-f", folder / f"{name}.conf",
        "-i", folder / f"{name}.pid",
    )


def sender(folder, endpoint, kind):
    return daemon(folder, f"sender-{kind}", f"""
module(load="imuxsock" SysSock.Use="off")
module(load="omczmq")
input(type="imuxsock" Socket="{folder}/{kind}.sock" RateLimit.Interval="0")
template(name="text" type="string" string="%msg%")
action(type="omczmq" endpoints="{endpoint}" socktype="{kind}" template="text")
""")


def log(folder, kind, numbers):
    where = folder / f"{kind}.sock"
    wait_for(where.exists, "socket of rsyslogd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(str(where))
        for number in numbers:
            out.send(f"<14>compat: number {number}".encode())


with programs() as folder:
    with check("omczmq to a PULL of pyzmq"):
        pull = zmq.Context.instance().socket(zmq.PULL)
        pull.linger, pull.rcvtimeo = 0, 60000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        out = sender(folder, f">tcp://127.0.0.1:{port}", "PUSH")
        log(folder, "PUSH", range(LINES))
        got = [pull.recv().decode().strip() for _ in range(LINES)]
        assert got == [f"number {n}" for n in range(LINES)], got[:5]
        out.ran_on()
        out.stop()
        pull.close()
    with check("omczmq to imczmq"):
        where = f"tcp://127.0.0.1:{free_port()}"
        received = folder / "received"
        inward = daemon(folder, "receiver", f"""
module(load="imczmq")
template(name="text" type="string" string="%msg%\\n")
input(type="imczmq" endpoints="@{where}" socktype="PULL" ruleset="keep")
ruleset(name="keep") {{ action(type="omfile" file="{received}" template="text") }}
""")
        (folder / "PUSH.sock").unlink(missing_ok=True)
        out = sender(folder, f">{where}", "PUSH")
        log(folder, "PUSH", range(LINES))

        def all_there():
            return received.exists() and len(received.read_text().splitlines()) >= LINES

        wait_for(all_there, "lines")
        lines = [line.split()[-1] for line in received.read_text().splitlines()]
        assert lines == [f"{n}" for n in range(LINES)], lines[:5]
        for program in (out, inward):
            program.ran_on()
            program.stop()
done()
