"""Starts a web server, a master and two workers; reads the master's report."""

import csv
import http.server
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs

USERS = '''
from locust import HttpUser, constant, task

class User(HttpUser):
    wait_time = constant(0.02)

    @task
    def look(self):
        self.client.get("/")
'''


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = 0

    def do_GET(self):
        Server.served += 1
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


with programs() as folder:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "users.py").write_text(USERS)
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", folder / "users.py"]
    host = f"--host=http://127.0.0.1:{server.server_port}"
    with check("a master and two workers"):
        master = Program(
            *command, "--master", "--headless", "--expect-workers=2", f"--master-bind-port={port}",
            "--master-bind-host=127.0.0.1", "-u", "6", "-r", "6", "-t", "5s", host,
            f"--csv={folder}/report", cwd=folder,
        )
        workers = [
            Program(*command, "--worker", "--master-host=127.0.0.1", f"--master-port={port}",
                    host, cwd=folder)
            for _ in range(2)
        ]
        master.line("All users spawned")
        for program in (master, *workers):
            program.ran_on()
        assert master.end() == 0
        assert [worker.end() for worker in workers] == [0, 0]
    with check("each request is in the report"):
        with open(folder / "report_stats.csv", encoding="utf-8") as report:
            total = [row for row in csv.DictReader(report) if row["Name"] == "Aggregated"][0]
        counts = int(total["Request Count"]), int(total["Failure Count"])
        assert counts == (Server.served, 0) and Server.served > 100, (counts, Server.served)
done()
