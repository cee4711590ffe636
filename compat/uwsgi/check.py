"""uwsgi logs each request that it answers; the lines come to a PULL."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs, wait_for

ROOT = Path(os.environ["ROOT"])
REQUESTS = 100


def asked(url):
    try:
        urllib.request.urlopen(url, timeout=10)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
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
            # It closes its output's other end: all it says is in the log.
            wait_for(lambda: asked(f"http://127.0.0.1:{port}/first"), "answer")
            for number in range(REQUESTS):
                asked(f"http://127.0.0.1:{port}/page-{number}.")
            wanted = [f"/page-{number}." for number in range(REQUESTS)]
            while wanted:
                line = pull.recv().decode(errors="replace")
                if wanted[0] in line:
                    del wanted[0]
            server.ran_on()
            server.stop()
            pull.close()
done()
