"""A suite of pytest, each of its files in a process of its own, so that a crash costs
one file. A plugin (which_libzmq.py) writes down which libzmq each process had."""

import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

from .programs import Outcomes, kill

TEST_LIMIT_S = 60
FILE_LIMIT_S = 900
# More of them than this are chosen by their files.
SINGLE_TESTS = 15
PLUGINS = Path(__file__).resolve().parent / "pytest_plugins"


class Suite:
    """The files of a suite, run by this interpreter from this folder."""

    def __init__(self, python, folder, files, arguments=(), settings=None):
        self.python, self.folder, self.files = python, folder, sorted(files)
        self.arguments, self.settings = list(arguments), settings or {}

    def run(self, library, names=None):
        outcomes = Outcomes()
        # A test that was told by a whole file is not to be chosen by itself.
        chosen = [name.split(" (")[0] for name in names or self.files]
        if len(chosen) > SINGLE_TESTS:
            chosen = sorted({name.split("::")[0] for name in chosen})
        for name in chosen:
            found = self.pytest(library, name)
            for test, fate in found.items():
                outcomes.add(test, fate, found.logs[test])
            if sys.stdout.isatty():
                print(f"\r{library.title}: {len(outcomes)} tests", end="\r", flush=True)
        return outcomes

    def pytest(self, library, name):
        out, mapped = self.folder / "outcome.xml", self.folder / "mapped"
        for file in (out, mapped):
            file.unlink(missing_ok=True)
        command = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "which_libzmq", f"--junitxml={out}", "-o", "junit_family=xunit1"]
        settings = {
            "PYTHONPATH": str(PLUGINS), "PYTHONDONTWRITEBYTECODE": "1",
            "WHICH_LIBZMQ": str(mapped),
        }
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*command, *self.arguments, name], cwd=self.folder,
                env=library.environment(settings | self.settings), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )
            try:
                process.wait(FILE_LIMIT_S)
            except subprocess.TimeoutExpired:
                log.write(f"\nnot at its end after {FILE_LIMIT_S} s\n")
            finally:
                kill(process)
                process.wait()
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        file, outcomes = name.split("::")[0], Outcomes()
        if not out.exists():
            outcomes.add(f"{file} (the whole file)", "failed", log)
            return outcomes
        maps = set(mapped.read_text(encoding="utf-8").split())
        if maps - {library.path}:
            outcomes.add(f"{file} (ran on {maps})", "failed", log)
        for case in xml.etree.ElementTree.parse(out).iter("testcase"):
            test = "::".join([file, *group(case, file), case.get("name", "")])
            bad = case.find("failure") is not None or case.find("error") is not None
            fate = "skipped" if case.find("skipped") is not None else "passed"
            outcomes.add(test, "failed" if bad else fate, log)
        return outcomes


def group(case, file):
    """The classes that a test stands in."""
    parts = case.get("classname", "").split(".")
    stem = Path(file).stem if file.endswith(".py") else file.split(".")[-1]
    return parts[parts.index(stem) + 1 :] if stem in parts else [p for p in parts if p]
