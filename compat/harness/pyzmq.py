"""pyzmq built from its source package against the system's libzmq, without a run path,
so that LD_LIBRARY_PATH has the say; and its tests. (Its wheels bundle a libzmq.)"""

import shutil

from .install import pip, venv

VERSION = "27.3.0"
TOOLS = ["scikit-build-core", "cython", "packaging", "cmake", "ninja", "setuptools", "cffi"]
TESTS = ["pytest", "pytest-asyncio", "pytest-timeout", "tornado", "gevent"]
# Enough of the suite to see that all is well, in half a minute.
QUICK = ["test_socket", "test_context", "test_message", "test_poll", "test_monitor", "test_auth"]
QUICK += ["test_asyncio", "test_future", "test_event_loops", "test_security", "test_proxy_steerable"]


def build(place, backend="cython", extra=()):
    """Makes an environment with pyzmq in it, once, and the folder `suite` of its tests.
    Gives the interpreter."""
    made = place / f"made-{VERSION}"
    if made.exists():
        return place / "venv/bin/python"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    print(f"building pyzmq {VERSION} ({backend})", flush=True)
    python = venv(place, *TOOLS, *TESTS, *extra)
    # Its build tools are there already, so none is built for it.
    isolation = ["--no-deps", "--no-build-isolation"]
    source = [*isolation, "--no-binary", "pyzmq", "-d", place, f"pyzmq=={VERSION}"]
    pip(python, "download", *source)
    shutil.unpack_archive(place / f"pyzmq-{VERSION}.tar.gz", place)
    unpacked = place / f"pyzmq-{VERSION}"
    settings = {"PYZMQ_NO_BUNDLE": "ON", "PYZMQ_LIBZMQ_RPATH": "OFF", "PYZMQ_BACKEND": backend}
    pip(python, "install", *isolation, unpacked, settings=settings)
    # Away from the sources, so that the installed package is the one tested.
    shutil.copytree(unpacked / "tests", place / "suite/tests")
    shutil.copy(unpacked / "pytest.ini", place / "suite")
    made.touch()
    return python


def files(folder, quick=False):
    """The suite's files, or those of QUICK."""
    found = sorted(path.relative_to(folder) for path in folder.glob("tests/test_*.py"))
    return [str(path) for path in found if not quick or path.stem in QUICK]
