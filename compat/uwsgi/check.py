"""uwsgi, of which only a logger is loaded, logs each request; a PULL gets the lines."""

import os
import socket
import sys
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs, wait_for

ROOT = Path(os.environ["ROOT"])
REQUESTS = 100


def asked(port):
    """Asks for something; there is nothing that could answer, which is logged."""
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.recv(100)
    except ConnectionRefusedError:
        return False
    except OSError:
        pass
    return True


with programs() as folder:
    for transport in ("tcp", "ipc"):
        with check(f"{transport}: each request is logged"):
            pull = zmq.Context.instance().socket(zmq.PULL)
            pull.linger, pull.rcvtimeo = 0, 60000
            pull.bind({"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/log"}[transport])
            port = free_port()
            server = Program(
                ROOT / "usr/bin/uwsgi-core", "--plugins-dir", ROOT / "usr/lib/uwsgi/plugins",
                "--plugins", "logzmq", "--master", "--die-on-term",
                "--http-socket", f"127.0.0.1:{port}",
                "--logger", f"zeromq:{pull.last_endpoint.decode()}",
            )
            wait_for(lambda: asked(port), "connection")
            for _ in range(REQUESTS - 1):
                asked(port)
            logged = 0
            while logged < REQUESTS:
                logged += pull.recv().startswith(b"-- unavailable modifier")
            server.ran_on()
            server.stop()
            pull.close()
done()
