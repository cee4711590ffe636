"""Runs a program that checks a client and says what it found, a line for each:

    ok NAME
    not ok NAME
    skip NAME
    maps PATH         a process that it started has this libzmq mapped
    version NUMBERS   what zmq_version says; counts for more than what is mapped
    done              waits for the end of its input: this process is looked at now

Any other line is its log."""

import os
import signal
import subprocess
import threading

from .swap import family, mapped

FATES = {"ok ": "passed", "not ok ": "failed", "skip ": "skipped"}
LIMIT_S = 900


class Outcomes(dict):
    """The fate of each check, "passed", "skipped" or "failed", by name; and its log."""

    def __init__(self):
        super().__init__()
        self.logs = {}

    def add(self, name, fate, log=""):
        self[name] = "failed" if self.get(name) == "failed" else fate
        self.logs[name] = log

    def __str__(self):
        count = list(self.values()).count
        parts = [f"{count('passed')} passed"]
        parts += [f"{count(fate)} {fate}" for fate in ("skipped", "failed") if count(fate)]
        return ", ".join(parts)


def tap(command, library, settings=None, folder=None, limit_s=LIMIT_S):
    """Runs a program on a library. That it ran on it, and came to its end, are checks."""
    process = subprocess.Popen(
        [str(word) for word in command], env=library.environment(settings), cwd=folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )
    clock = threading.Timer(limit_s, kill, [process])
    clock.start()
    outcomes, maps, versions, log, finished = Outcomes(), set(), set(), [], False
    try:
        for line in process.stdout:
            log.append(line)
            for word, fate in FATES.items():
                if line.startswith(word):
                    outcomes.add(line[len(word) :].strip(), fate)
            if line.startswith("maps "):
                maps.add(os.path.realpath(line[5:].strip()))
            if line.startswith("version "):
                versions.add(line.split()[1])
            if line.strip() == "done":
                finished = True
                maps |= mapped(process.pid)
                process.stdin.close()
        status = process.wait()
    finally:
        clock.cancel()
        kill(process)
    log.append(f"(ended with {status}; had mapped {sorted(maps)} {sorted(versions)})\n")
    outcomes.add("came to its end", "passed" if finished and status == 0 else "failed")
    swapped = versions == {library.version} if versions else maps == {library.path}
    outcomes.add("ran on this library", "passed" if swapped else "failed")
    outcomes.logs = dict.fromkeys(outcomes, "".join(log))
    return outcomes


def kill(process):
    """Ends a program with all that it started."""
    for pid in family(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
