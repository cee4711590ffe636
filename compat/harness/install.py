"""Gets clients from the registries: Debian, PyPI, npm, crates.io. What cannot be had
is `Skipped`, which is no failure of ours."""

import os
import re
import shutil
import subprocess
from pathlib import Path

# A step that takes longer is given up, so that a slow registry fails nothing.
limit_s = 1200
# Debian's own interpreter, whose headers and modules python3-* packages are for.
SYSTEM_PYTHON = "/usr/bin/python3"


class Skipped(Exception):
    """This client cannot be installed here; says why."""


def run(command, settings=None, folder=None, limited=True):
    """Runs a step of an installation; its output is shown when it fails."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | (settings or {}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            timeout=limit_s if limited else None,
        )
    except OSError as error:
        raise Skipped(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as late:
        raise Skipped(f"`{' '.join(command)[:80]}` takes too long") from late
    if done.returncode != 0:
        print(f"{' '.join(command)}\n{done.stdout[-3000:]}", flush=True)
        raise Skipped(f"`{' '.join(command)[:80]}` failed")
    return done.stdout


def debian(*packages):
    """Installs Debian packages, without what they only recommend."""
    missing = [package for package in packages if not debian_version(package)]
    if missing:
        print("installing", *missing, flush=True)
        apt(["install", "--no-install-recommends", *missing])


def debian_version(package):
    """The version that is installed, without its epoch, or None."""
    if not shutil.which("dpkg-query"):
        raise Skipped("no Debian packages here")
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
        capture_output=True, text=True,
    )
    status, _, version = done.stdout.partition(" ")
    return version.partition(":")[2] or version if status == "installed" else None


def apt(arguments):
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    settings = {"DEBIAN_FRONTEND": "noninteractive"}
    apt_get = [*root, "apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300"]
    fetch = [*apt_get, "--download-only", *arguments]
    try:
        run(fetch, settings)
    except Skipped:
        # Perhaps only because the lists of packages are old, or were never fetched.
        run([*apt_get, "update"], settings)
        run(fetch, settings)
    # What has begun comes to its end.
    run([*apt_get, *arguments], settings, limited=False)


def unpacked(place, *packages):
    """Unpacks Debian packages into a folder and installs what they depend on: for
    daemons, which the system would start. Gives the folder and the versions."""
    root = place / "root"
    made = place / "versions"
    if not made.exists():
        shutil.rmtree(place, ignore_errors=True)
        root.mkdir(parents=True)
        print("unpacking", *packages, flush=True)
        # Not apt-get's user: it may not write here.
        fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages]
        try:
            run(fetch, folder=place)
        except Skipped:
            apt(["update"])
            run(fetch, folder=place)
        versions, depends = [], []
        for package in sorted(place.glob("*.deb")):
            run(["dpkg-deb", "-x", package, root])
            name, version, wanted = run(
                ["dpkg-deb", "-f", package, "Package", "Version", "Depends"]
            ).split("\n", 3)[:3]
            versions.append(f"{name.partition(': ')[2]} {version.partition(': ')[2]}")
            depends += wanted.partition(": ")[2].split(", ")
        others = [one for one in depends if not any(one.split()[0] == p for p in packages)]
        others = [one for one in others if " | " not in one]
        apt(["satisfy", "--no-install-recommends", ", ".join(others)])
        made.write_text("\n".join(versions))
    return root, dict(line.split(" ", 1) for line in made.read_text().splitlines())


def source(place, package):
    """Fetches a Debian source package; gives the folder of what its authors published,
    and the version. The lists of source packages are its own: the system has none."""
    folder = place / "source"
    if not folder.exists():
        shutil.rmtree(place, ignore_errors=True)
        part = place / "part"
        (part / "lists/partial").mkdir(parents=True)
        system = Path("/etc/os-release").read_text(encoding="utf-8")
        suite = re.search(r"^VERSION_CODENAME=(\w+)", system, re.MULTILINE)
        if not suite:
            raise Skipped("no Debian packages here")
        (part / "list").write_text(f"deb-src http://deb.debian.org/debian {suite[1]} main\n")
        apt_get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root"]
        apt_get += ["-o", f"Dir::Etc::SourceList={part}/list", "-o", "Dir::Etc::SourceParts=-"]
        apt_get += ["-o", f"Dir::State::Lists={part}/lists"]
        run([*apt_get, "update"])
        run([*apt_get, "source", "--download-only", package], folder=part)
        run(["tar", "-xf", *part.glob("*.orig.tar.*")], folder=part)
        part.rename(folder)
    (tree,) = [path for path in folder.iterdir() if path.is_dir() and path.name != "lists"]
    return tree, tree.name.rpartition("-")[2]


def venv(place, *requirements):
    """A Python environment with these packages; gives its interpreter."""
    if Path(SYSTEM_PYTHON).exists():
        debian("python3-dev", "python3-venv")
    python = place / "venv/bin/python"
    if not python.exists():
        system = SYSTEM_PYTHON if Path(SYSTEM_PYTHON).exists() else "python3"
        run([system, "-m", "venv", place / "venv"])
    if requirements:
        pip(python, "install", "--prefer-binary", *requirements)
    return python


def pip(python, *arguments, settings=None):
    run([python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments], settings)


def npm(place, *packages, settings=None):
    """Installs packages of npm into a folder, built on this machine."""
    if not shutil.which("npm"):
        debian("nodejs", "npm")
    place.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    run(["npm", "install", *quiet, "--prefix", place, *packages], settings, place)
