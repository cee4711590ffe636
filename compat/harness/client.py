"""A client: installed, run on the system's libzmq, run on ours, compared.

No check may fail on ours that passes on the system's; those that seem to are run
twice more on each, since a check may fail on a busy machine, or at times. The result is a row, printed and
left in target/compat/NAME/result.json, of which compat/all makes the table."""

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

from . import install
from .install import Skipped
from .programs import Outcomes
from .swap import LIBRARY_PATH, Library

ROOT = Path(__file__).resolve().parent.parent.parent
QUICK_INSTALL_S = 150
HEAD = "| client | system's libzmq | ours | swapped by | worse |\n|---|---|---|---|---|"


class Client:
    """What a compat/NAME/run fills in."""

    title = ""
    swaps = (LIBRARY_PATH,)
    # Long suites: what the system's libzmq answered is kept, unless --fresh is said.
    keeps_system = False

    def install(self):
        """Installs the client where it is not yet; gives its version."""
        raise NotImplementedError

    def check(self, library, names=None):
        """Runs the checks, or those of these names at least; gives their Outcomes."""
        raise NotImplementedError

    def __init__(self):
        self.name = Path(sys.argv[0]).resolve().parent.name
        self.here = Path(sys.argv[0]).resolve().parent
        self.place = ROOT / "target/compat" / self.name

    def main(self):
        parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
        parser.add_argument("--ours", default=ROOT / "target/release", type=Path)
        parser.add_argument("--fresh", action="store_true", help="ask the system's libzmq anew")
        parser.add_argument("--quick", action="store_true", help="only a part of a long suite")
        parser.add_argument("names", nargs="*", help="only these, as tests/test_poll.py")
        self.options = parser.parse_args()
        if self.options.quick:
            install.limit_s = QUICK_INSTALL_S
        # So that what was started ends, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        # Two runs at once would be in each other's way.
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.place.with_suffix(".lock"), "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            self.version = self.install()
        except Skipped as why:
            print(f"{self.title}: skipped: {why}", flush=True)
            self.write({"client": self.title, "skipped": str(why)})
            return
        sys.exit(self.compare())

    def compare(self):
        """Runs the client on each library; 1 if anything is worse on ours."""
        system = Library("system")
        print(system, flush=True)
        start = time.monotonic()
        there = self.on_system(system)
        seconds = [round(time.monotonic() - start, 1)]
        self.say("system", there)
        worse, shown, here = [], set(), None
        # A long suite is run once more for each way of swapping; not where time is short.
        for how in self.swaps[:1] if self.options.quick and self.keeps_system else self.swaps:
            ours = Library("ours", self.options.ours, how)
            print(ours, flush=True)
            start = time.monotonic()
            found = self.check(ours, self.options.names or None)
            seconds.append(round(time.monotonic() - start, 1))
            self.say("ours", found)
            bad = self.worse(system, ours, there, found)
            for name in bad:
                log = found.logs.get(name, "")
                print(f"\nFAILS ON OURS ({how}): {name}\n{'' if log in shown else log[-4000:]}")
                shown.add(log)
            for name in there:
                if there[name] == "passed" and found.get(name) == "skipped":
                    print(f"skipped on ours only: {name}")
            # What is shown of several swaps is the worst of them, else the first.
            if here is None or bad:
                here = found
            worse += bad
        row = {
            "client": f"{self.title} {self.version}", "system": str(there), "ours": str(here),
            "swaps": ", ".join(self.swaps), "worse": sorted(set(worse)), "seconds": seconds,
        }
        if self.options.quick:
            row["quick"] = True
        if not self.options.names:
            self.write(row)
        print(f"{HEAD}\n{as_line(row)}")
        return int(bool(worse))

    def on_system(self, system):
        kept = self.place / "system.json"
        key = [system.version, os.stat(system.path).st_mtime, self.version]
        chosen = self.options.names or self.options.quick
        if self.keeps_system and kept.exists() and not (chosen or self.options.fresh):
            known = json.loads(kept.read_text())
            if known["key"] == key:
                found = Outcomes()
                found.update(known["outcomes"])
                return found
        found = self.check(system, self.options.names or None)
        for name, fate in found.items():
            if fate == "failed":
                print(f"fails on the system's: {name}\n{found.logs[name][-4000:]}")
        if self.keeps_system and not chosen:
            kept.write_text(json.dumps({"key": key, "outcomes": found}, indent=1))
        return found

    def worse(self, system, ours, there, found):
        """The checks that fail on ours alone, also when tried again, and never on the
        system's when that is tried as often."""
        bad = [name for name in there if fails(there, found, name)]
        for log in {found.logs.get(name, "") for name in bad}:
            print(f"what failed at first:\n{log[-3000:]}")
        for library in (ours, ours, system, system):
            if not bad:
                break
            print(f"again on {library.title}: {', '.join(bad)}", flush=True)
            again = self.check(library, bad)
            for name in bad:
                if library is ours:
                    found.logs[name] = again.logs.get(name, found.logs.get(name, ""))
                    found[name] = again.get(name, "failed")
                elif again.get(name) == "failed":
                    print(f"fails at times on the system's, too: {name}")
                    there[name] = "failed"
            bad = [name for name in bad if fails(there, found, name)]
        return bad

    def say(self, title, outcomes):
        print(f"{title}: {outcomes}", flush=True)

    def write(self, row):
        self.place.mkdir(parents=True, exist_ok=True)
        (self.place / "result.json").write_text(json.dumps(row, indent=1))


def fails(there, found, name):
    return there[name] == "passed" and found.get(name) not in ("passed", "skipped")


def as_line(row):
    """A row of the table."""
    cells = [row["client"], row["system"], row["ours"], row["swaps"], str(len(row["worse"]))]
    return "| " + " | ".join(cells) + " |"
