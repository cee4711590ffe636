"""For a client's check.py, which `programs.tap` runs on one library after the other:
starts the client's programs, and prints what came of it."""

import contextlib
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from .swap import mapped

# Enough for a daemon on a busy machine.
LIMIT_S = 180
running = []
lines = threading.Lock()


def tell(line):
    """Prints a line, whole: others print, too."""
    with lines:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def check(name):
    """A check: passed if its body raises nothing."""
    try:
        yield
        tell(f"ok {name}")
    except Exception:
        tell(traceback.format_exc())
        tell(f"not ok {name}")


class Program:
    """A program that runs beside this one; its lines can be waited for."""

    def __init__(self, *command, **popen):
        self.name = Path(str(command[0])).name
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", **popen,
        )
        self.queue = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        running.append(self)

    def read(self):
        for line in self.process.stdout:
            tell(f"  {self.name}: {line.rstrip()}")
            self.queue.put(line.strip())
        self.queue.put(None)

    def line(self, containing="", limit_s=LIMIT_S):
        """The next line that has this in it."""
        end = time.monotonic() + limit_s
        while True:
            line = self.queue.get(timeout=max(0, end - time.monotonic()))
            if line is None:
                raise EOFError(f"{self.name} has ended without {containing!r}")
            if containing in line:
                return line

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ran_on(self):
        """Tells which libzmq it has mapped by now; waits until it has one."""
        found = wait_for(lambda: mapped(self.process.pid), f"libzmq in {self.name}")
        for path in found:
            tell(f"maps {path}")

    def end(self, limit_s=LIMIT_S):
        """Waits for its end; its exit status."""
        return self.process.wait(limit_s)

    def stop(self, limit_s=LIMIT_S):
        """Asks it to end, as a service manager does; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(condition, what, limit_s=LIMIT_S):
    """Looks again and again until there is an answer."""
    end = time.monotonic() + limit_s
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {limit_s} s")
        time.sleep(0.02)
    return answer


@contextlib.contextmanager
def programs():
    """A folder for the body, which may start programs; ends them all."""
    with tempfile.TemporaryDirectory(prefix="compat-") as folder:
        try:
            yield Path(folder)
        finally:
            for program in running:
                program.process.kill()


def done():
    """The last word: this process may be looked at, and ends when it has been."""
    tell("done")
    sys.stdin.read()
    # Not held up by sockets that a failed check left open.
    os._exit(0)
