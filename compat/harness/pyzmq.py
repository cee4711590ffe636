"""pyzmq built from its source package against the system's libzmq, without a run path,
so that LD_LIBRARY_PATH has the say; and its tests. (Its wheels bundle a libzmq.)"""

import fcntl
import shutil
import tempfile
from pathlib import Path

from .install import debian, pip, venv

VERSION = "27.3.0"
BUILDS = Path(__file__).resolve().parent.parent.parent / "target/compat/pyzmq-builds"
TOOLS = ["scikit-build-core", "cython", "packaging", "cmake", "ninja", "setuptools", "cffi"]
TESTS = ["pytest", "pytest-asyncio", "pytest-timeout", "tornado", "gevent", *TOOLS]
# Enough of the suite to see that all is well, in half a minute.
QUICK = ["test_socket", "test_context", "test_message", "test_poll", "test_monitor", "test_auth"]
QUICK += ["test_asyncio", "test_future", "test_event_loops", "test_security"]


def wheel(backend="cython"):
    """The package, built once; its sources lie beside it."""
    place = BUILDS / backend
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="ascii") as lock:
        # Several clients may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = list(place.glob(f"pyzmq-{VERSION}-*.whl"))
        return built[0] if built else build(backend, place)


def build(backend, place):
    debian("g++", "libzmq3-dev", "pkg-config")
    print(f"building pyzmq {VERSION} ({backend})", flush=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        python = venv(Path(folder), *TOOLS)
        # Its build tools are there already, so none is built for it.
        isolation = ["--no-deps", "--no-build-isolation"]
        source = [*isolation, "--no-binary", "pyzmq", "-d", folder, f"pyzmq=={VERSION}"]
        pip(python, "download", *source)
        shutil.unpack_archive(f"{folder}/pyzmq-{VERSION}.tar.gz", place)
        unpacked = place / f"pyzmq-{VERSION}"
        settings = {"PYZMQ_NO_BUNDLE": "ON", "PYZMQ_LIBZMQ_RPATH": "OFF"}
        settings["PYZMQ_BACKEND"] = backend
        pip(python, "wheel", *isolation, "-w", folder, unpacked, settings=settings)
        made = next(Path(folder).glob("pyzmq-*.whl"))
        return made.rename(place / made.name)


def environment(place, *requirements, backend="cython"):
    """A Python environment with that pyzmq, made once; gives its interpreter."""
    made = place / "made"
    wanted = " ".join([VERSION, *requirements])
    if not made.exists() or made.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        # First, so that nobody who wants pyzmq brings one of its wheels.
        venv(place, wheel(backend))
        venv(place, *requirements)
        made.write_text(wanted)
    return place / "venv/bin/python"


def suite(place, backend="cython", quick=False, extra=()):
    """Its own tests: the interpreter, their folder, and the names of the files."""
    python = environment(place, *TESTS, backend=backend)
    folder = place / "suite"
    # Away from the sources, so that the installed package is the one tested.
    unpacked = BUILDS / backend / f"pyzmq-{VERSION}"
    shutil.copytree(unpacked / "tests", folder / "tests", dirs_exist_ok=True)
    shutil.copy(unpacked / "pytest.ini", folder)
    for test in extra:
        shutil.copy(test, folder / "tests")
    found = sorted(path.relative_to(folder) for path in folder.glob("tests/test_*.py"))
    return python, folder, [str(path) for path in found if not quick or path.stem in QUICK]
