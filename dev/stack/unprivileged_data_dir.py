"""The data directory of PostgreSQL if root starts it: the server cannot run as root, and its own uid may not be able to reach the home.

The directory is in /var/tmp. Its name is a hash of the path of the home, and it contains that path in a file, so that it can be removed
when the home no longer exists.
"""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

BASE_DIR = Path("/var/tmp")
DIR_PREFIX = "herold-"
RETENTION_SECONDS = 24 * 3600.0


class DataDir(NamedTuple):
    """A data directory, its home, and when it was used last (epoch seconds)."""

    path: Path
    home: Path
    used_at: float


class DirOwnerError(Exception):
    """The directory belongs to another user."""


def is_world_traversable(path: Path) -> bool:
    """Whether every user can traverse the directory and all its parents."""
    return all(directory.stat().st_mode & 0o001 for directory in (path, *path.parents))


def ensure_data_dir(home: Path, base_dir: Path = BASE_DIR) -> Path:
    """The data directory of a home; created if it does not exist. Raises DirOwnerError."""
    directory = base_dir / (DIR_PREFIX + hashlib.sha256(str(home).encode()).hexdigest()[:12])
    directory.mkdir(mode=0o711, exist_ok=True)
    if not _is_owned_by_current_user(directory):
        raise DirOwnerError(f"{directory} belongs to another user: remove it, or set HEROLD_HOME to another directory")
    (directory / "home").write_text(str(home))
    return directory


def remove_stale_data_dirs(now: float, base_dir: Path = BASE_DIR) -> list[Path]:
    """Remove the data directories whose home does not exist and that were not used for RETENTION_SECONDS; returns them.

    `now`: epoch seconds. The retention is for homes on a disk that is temporarily not mounted.
    """
    stale = [one.path for one in _list_data_dirs(base_dir) if not one.home.exists() and now - one.used_at > RETENTION_SECONDS]
    for directory in stale:
        shutil.rmtree(directory, ignore_errors=True)  # another process may remove it at the same time
    return stale


def remove_data_dir(home: Path, base_dir: Path = BASE_DIR) -> None:
    """Remove the data directory of a home whose servers are stopped."""
    for data_dir in _list_data_dirs(base_dir):
        if data_dir.home == home:
            shutil.rmtree(data_dir.path)


def _list_data_dirs(base_dir: Path) -> list[DataDir]:
    """Those of the current user; one that another process removes meanwhile is left out."""
    found = []
    for directory in base_dir.glob(f"{DIR_PREFIX}*"):
        home_file = directory / "home"
        with suppress(FileNotFoundError):
            if _is_owned_by_current_user(directory) and home_file.is_file():
                found.append(DataDir(directory, Path(home_file.read_text()), home_file.stat().st_mtime))
    return found


def _is_owned_by_current_user(directory: Path) -> bool:
    status = directory.lstat()  # lstat: another user may have created a symbolic link
    return directory.is_dir() and not directory.is_symlink() and status.st_uid == os.geteuid()
