"""Checks the dashboard from its sources: types, style, tests, and that a build of them is byte for byte the committed one.

All is done in a copy, with the packages of the lock file: nothing of the working tree is written, and nothing in it is trusted.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dev.dashboard.node import run_npm
from dev.dashboard.sources import BUILD_DIRECTORY, BUILD_FILE, ROOT

COPIED: Final = ("dashboard", "clients/typescript")
STEPS: Final = (("run", "check"), ("run", "test"), ("exec", "--", "vite", "build"))  # `run build` would check the types again
PING_TIMEOUT: Final = 60.0  # seconds


def find_registry_problem(commands: Path) -> str:
    """Why the registry of npm cannot be used; empty if it answers."""
    try:
        ping = subprocess.run([str(commands / "npm"), "ping"], capture_output=True, text=True, timeout=PING_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"the registry of npm does not answer within {PING_TIMEOUT:.0f} s"
    return "" if ping.returncode == 0 else "the registry of npm cannot be reached"


def copy_sources(directory: Path) -> Path:
    """Copy what the dashboard is made of into a directory, at the same places; returns where the dashboard is."""
    for name in COPIED:
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("node_modules"))
    return directory / "dashboard"


def verify_sources(commands: Path, directory: Path) -> list[str]:
    """Check a copy in an empty directory; returns the built files that differ from the committed ones.

    Raises CalledProcessError for a check that fails; its output has been printed.
    """
    copy = copy_sources(directory)
    run_npm(commands, copy, "ci", "--no-audit", "--no-fund")
    for step in STEPS:
        run_npm(commands, copy, *step)
    return sorted(list_differences(directory / BUILD_DIRECTORY.relative_to(ROOT), BUILD_DIRECTORY))


def list_differences(built: Path, committed: Path) -> Iterator[str]:
    """The files that are not the same in both directories, or in one only; without the hashes, which the build does not write."""
    names = {path.relative_to(one) for one in (built, committed) for path in one.rglob("*") if path.is_file()}
    for name in names - {Path(BUILD_FILE.name)}:
        one, other = built / name, committed / name
        if not one.is_file() or not other.is_file() or one.read_bytes() != other.read_bytes():
            yield name.as_posix()
