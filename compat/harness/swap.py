"""Which libzmq a process gets, and which one it got."""

import os
import subprocess
import sys
from pathlib import Path

LIBRARY_PATH = "LD_LIBRARY_PATH"
PRELOAD = "LD_PRELOAD"
SONAME = "libzmq.so.5"


class Library:
    """The system's libzmq (without a folder), or another one put in its place."""

    def __init__(self, title, folder=None, how=LIBRARY_PATH):
        self.title, self.folder, self.how = title, folder, how
        look = (
            "import ctypes; library = ctypes.CDLL('libzmq.so.5')\n"
            "part = [ctypes.c_int() for _ in range(3)]\n"
            "library.zmq_version(*map(ctypes.byref, part))\n"
            "print(*(p.value for p in part), sep='.')\n"
            "print({l.split()[-1] for l in open('/proc/self/maps') if 'libzmq.so' in l}.pop())"
        )
        done = subprocess.run(
            [sys.executable, "-c", look], env=self.environment(), capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"no process loads {title}:\n{done.stderr}")
        self.version, path = done.stdout.split()
        self.path = os.path.realpath(path)
        if folder and os.path.dirname(self.path) != os.path.realpath(folder):
            sys.exit(f"{how} does not swap the library: {self.path}")

    def environment(self, settings=None):
        """The environment of a process that shall run on this library."""
        found = dict(os.environ)
        for name in (LIBRARY_PATH, PRELOAD):
            found.pop(name, None)
        found |= settings or {}
        if self.folder:
            value = Path(self.folder).resolve()
            found[self.how] = str(value / SONAME if self.how == PRELOAD else value)
        return found

    def __str__(self):
        swapped = f", by {self.how}" if self.folder else ""
        return f"{self.title}: libzmq {self.version}, {self.path}{swapped}"


def mapped(pid):
    """The files of libzmq that a process and those it started have mapped."""
    found = set()
    for one in family(pid):
        try:
            with open(f"/proc/{one}/maps", encoding="utf-8", errors="replace") as maps:
                paths = {line.split()[-1] for line in maps if "libzmq.so" in line}
        except OSError:  # It has ended.
            continue
        found |= {os.path.realpath(path) for path in paths}
    return found


def family(pid):
    """A process and its descendants."""
    found = [pid]
    for one in found:
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{thread}/children").read_text(encoding="ascii")
                found += [int(child) for child in children.split()]
        except OSError:
            continue
    return found
