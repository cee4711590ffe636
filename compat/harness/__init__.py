"""What the programs in compat/ have in common: each says how it is installed and what
it checks (`Client`), and is run on the system's libzmq and then on ours."""

from . import pyzmq
from .client import Client
from .install import Skipped, debian, debian_version, npm, unpacked, venv
from .programs import tap
from .suite import Suite
from .swap import LIBRARY_PATH, PRELOAD

__all__ = [
    "LIBRARY_PATH", "PRELOAD", "Client", "Skipped", "Suite",
    "debian", "debian_version", "npm", "pyzmq", "tap", "unpacked", "venv",
]
