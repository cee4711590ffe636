"""Starts the four processes with a web server behind them, gets pages through them, and
publishes to a stream that is held."""

import http.client
import http.server
import json
import os
import sys
import threading
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs, wait_for

ROOT = Path(os.environ["ROOT"])
GETS = 200
PUSHES = 100


class Origin(http.server.BaseHTTPRequestHandler):
    """The web server: a page that names itself, and streams to be held."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"page {self.path}\n".encode()
        self.send_response(200)
        if self.path == "/stream":
            self.send_header("Grip-Hold", "stream")
            self.send_header("Grip-Channel", "news")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def configure(folder, push, sub):
    """Files that keep all of it within one folder."""
    internal = (ROOT / "usr/lib/pushpin/internal.conf").read_text(encoding="utf-8")
    (folder / "internal.conf").write_text(internal.replace("/var/run/zurl", str(folder)))
    (folder / "pushpin.conf").write_text(f"""[global]
include={folder}/internal.conf
rundir={folder}
ipc_prefix=pushpin-

[proxy]
routesfile=routes
updates_check=off
sig_iss=pushpin
sig_key=changeme

[handler]
push_in_spec={push}
push_in_sub_specs={sub}
push_in_sub_connect=false
push_in_http_addr=127.0.0.1
push_in_http_port={free_port()}
command_spec=tcp://127.0.0.1:{free_port()}
message_rate=2500
message_hwm=25000
""")
    zurl = (ROOT / "etc/zurl.conf").read_text(encoding="utf-8")
    zurl = zurl.replace("/var/run/zurl", str(folder))
    zurl = zurl.replace("deny=127.*,10.*,192.168.*,*.local", "deny=")
    (folder / "zurl.conf").write_text(zurl)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer


def up(port):
    try:
        return get(port, "/")[0] == 200
    except OSError:
        return False


def item(number):
    text = {"content": f"number {number}\n"}
    return json.dumps({"channel": "news", "formats": {"http-stream": text}}).encode()


def socket(kind, where):
    made = zmq.Context.instance().socket(kind)
    made.linger = 0
    made.connect(where)
    return made


with programs() as folder:
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    push_at, sub_at = f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"
    configure(folder, push_at, sub_at)
    (folder / "routes").write_text(f"* 127.0.0.1:{origin.server_port}\n")
    port = free_port()
    started = [
        Program(ROOT / "usr/bin" / name, *arguments, cwd=folder)
        for name, *arguments in (
            ("zurl", f"--config={folder}/zurl.conf"),
            ("condure", "--listen", f"127.0.0.1:{port},stream",
             "--zclient-stream", f"ipc://{folder}/pushpin-condure"),
            ("pushpin-proxy", f"--config={folder}/pushpin.conf"),
            ("pushpin-handler", f"--config={folder}/pushpin.conf"),
        )
    ]
    with check("all four are up"):
        wait_for(lambda: up(port), "page")
        for program in started:
            program.ran_on()
    with check(f"{GETS} pages"):
        for number in range(GETS):
            status, answer = get(port, f"/{number}")
            body = answer.read()
            assert (status, body) == (200, f"page /{number}\n".encode()), (number, status, body)
    with check("pages at once"):
        wrong = []

        def read(number):
            status, answer = get(port, f"/{number}")
            if (status, answer.read()) != (200, f"page /{number}\n".encode()):
                wrong.append(number)

        readers = [threading.Thread(target=read, args=(n,)) for n in range(40)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert not wrong, wrong
    for kind, where in ((zmq.PUSH, push_at), (zmq.PUB, sub_at)):
        name = "PUSH" if kind == zmq.PUSH else "PUB"
        with check(f"a held stream gets what is published by {name}"):
            status, stream = get(port, "/stream")
            assert (status, stream.readline()) == (200, b"page /stream\n")
            publisher = socket(kind, where)
            told = threading.Event()

            def publish_first():
                """Until it is known that somebody listens."""
                while not told.wait(0.05):
                    send(0)

            def send(number):
                envelope = [b"news"] if kind == zmq.PUB else []
                publisher.send_multipart([*envelope, b"J" + item(number)])

            first = threading.Thread(target=publish_first)
            first.start()
            try:
                assert stream.readline() == b"number 0\n"
            finally:
                told.set()
                first.join()
            for number in range(1, PUSHES):
                send(number)
            lines = [b"number 0\n"]
            while lines[-1] != f"number {PUSHES - 1}\n".encode():
                lines.append(stream.readline())
            expected = [f"number {n}\n".encode() for n in range(1, PUSHES)]
            assert [line for line in lines if line != b"number 0\n"] == expected, lines
            publisher.close()
            stream.close()
    with check("all four end"):
        statuses = {program.name: program.stop() for program in started}
        assert set(statuses.values()) <= {0, -15}, statuses
done()
