"""The stage of a demo: programs that run on a chosen libzmq, under `measure`,
with free ports, time limits, and nothing left behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "target" / "demo"
PATIENCE, QUICK_PATIENCE = 60, 15  # seconds that any single wait may last


class Failed(Exception):
    """A step did not do what it should."""


@dataclass
class Library:
    """One way to give a program its libzmq."""

    name: str
    settings: list  # NAME=VALUE for the program's environment
    file: str  # what /proc/PID/maps must show


@dataclass
class Result:
    elapsed: float
    messages: int
    rate: float
    cpu: float = 0.0
    memory_kib: int = 0


@dataclass
class Process:
    """A program under `measure`, its output and what the kernel says of it."""

    program: str
    library: Library
    launcher: subprocess.Popen
    log: Path
    report: Path
    patience: int
    proven: bool = False
    pid: int = 0
    cpu: float = 0.0
    memory_kib: int = 0
    status: int = 0

    def output(self):
        return self.log.read_text(errors="replace")

    def running(self):
        """Looks once: takes note of the pid, the library and the end."""
        ended = self.launcher.poll() is not None
        text = self.report.read_text() if self.report.exists() else ""
        if not self.pid and (match := re.search(r"^pid (\d+)$", text, re.M)):
            self.pid = int(match[1])
        if not ended and self.pid and not self.proven:
            self.prove()
        if ended:
            match = re.search(r"^cpu (\S+) rss (\d+) status (-?\d+)$", text, re.M)
            if not match:
                raise Failed(f"{self.program} left no account of itself")
            self.cpu, self.memory_kib = float(match[1]), int(match[2])
            self.status = int(match[3])
        return not ended

    def prove(self):
        """Checks that the library mapped by the process is the one we meant."""
        try:
            maps = Path(f"/proc/{self.pid}/maps").read_text()
        except OSError:
            return  # already gone
        mapped = set(re.findall(r"(/\S*libzmq[^/\s]*)$", maps, re.M))
        if not mapped:
            return  # still loading
        if mapped != {self.library.file}:
            raise Failed(f"{self.program} runs on {', '.join(sorted(mapped))}")
        self.proven = True

    def wait_for(self, pattern):
        """Waits until the output matches; returns the match."""
        deadline = time.monotonic() + self.patience
        while True:
            running = self.running()
            if match := re.search(pattern, self.output(), re.M):
                return match
            if not running:
                raise Failed(f"{self.program} ended early: {self.last_line()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.program} never said {pattern!r}")
            time.sleep(0.002)

    def wait(self, status=0):
        """Waits for the end, which must have the given status."""
        deadline = time.monotonic() + self.patience
        while self.running():
            if time.monotonic() > deadline:
                raise Failed(f"{self.program} did not finish in {self.patience} s")
            time.sleep(0.002)
        if self.status != status:
            raise Failed(
                f"{self.program} ended with status {self.status}: {self.last_line()}"
            )
        return self.output()

    def stop(self, seconds=10):
        """Asks politely until the program ends; returns its output."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                raise Failed(f"{self.program} does not heed SIGTERM")
            self.signal(signal.SIGTERM)
            # Asked again in case the first word fell between two calls.
            for _ in range(100):
                if self.launcher.poll() is not None:
                    break
                time.sleep(0.002)
        return self.wait()

    def kill(self):
        """Kills the program (not its launcher, which still writes its account)."""
        self.signal(signal.SIGKILL)
        self.wait(status=-signal.SIGKILL)

    def signal(self, number):
        if self.pid:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def last_line(self):
        lines = self.output().strip().splitlines()
        return lines[-1] if lines else "no output"


class Stage:
    """Where one scenario plays on one library: processes, ports, paths."""

    def __init__(self, library, quick):
        self.library = library
        self.quick = quick
        self.patience = QUICK_PATIENCE if quick else PATIENCE
        self.processes = []
        self.place = Path(tempfile.mkdtemp(prefix="zmq-demo-"))
        self.holders = []

    def start(self, program, *arguments):
        number = len(self.processes)
        log = self.place / f"{number}-{program}.log"
        report = self.place / f"{number}-{program}.report"
        command = [BUILD / "measure", report, *self.library.settings]
        command += [BUILD / program, *arguments]
        with open(log, "wb") as output:
            launcher = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        process = Process(program, self.library, launcher, log, report, self.patience)
        self.processes.append(process)
        return process

    def tcp(self):
        """A tcp endpoint whose port was free a moment ago, and stays apart
        from the others of this stage."""
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        self.holders.append(holder)
        return f"tcp://127.0.0.1:{holder.getsockname()[1]}"

    def release_ports(self):
        for holder in self.holders:
            holder.close()
        self.holders.clear()

    def ipc(self, name):
        return f"ipc://{self.place}/{name}"

    def result(self, elapsed, messages, rate=None):
        if not any(process.proven for process in self.processes):
            raise Failed("no process was seen with its library")
        return Result(
            elapsed,
            messages,
            rate or messages / elapsed,
            sum(process.cpu for process in self.processes),
            max(process.memory_kib for process in self.processes),
        )

    def clear(self):
        self.release_ports()
        for process in self.processes:
            try:
                running = process.running()
            except Failed:
                running = False
            if running:
                process.signal(signal.SIGKILL)
                try:
                    process.launcher.wait(5)
                except subprocess.TimeoutExpired:
                    process.launcher.kill()
                    process.launcher.wait()
        shutil.rmtree(self.place, ignore_errors=True)
