"""The data directory of PostgreSQL if root starts it: the server cannot run as root, and its own uid may not be able to reach the home.

The directory is in /var/tmp. Its name is a hash of the path of the home, and it contains that path in a file, so that it can be removed
when the home no longer exists.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

BASE_DIR = Path("/var/tmp")
DIR_PREFIX = "herold-"
RETENTION_SECONDS = 24 * 3600.0


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
    stale = [directory for directory in _list_data_dirs(base_dir) if _is_stale(directory / "home", now)]
    for directory in stale:
        shutil.rmtree(directory, ignore_errors=True)  # another process may remove it at the same time
    return stale


def remove_data_dir(home: Path, base_dir: Path = BASE_DIR) -> None:
    """Remove the data directory of a home whose servers are stopped."""
    for directory in _list_data_dirs(base_dir):
        if (directory / "home").read_text() == str(home):
            shutil.rmtree(directory)


def _is_stale(home_file: Path, now: float) -> bool:
    return not Path(home_file.read_text()).exists() and now - home_file.stat().st_mtime > RETENTION_SECONDS


def _list_data_dirs(base_dir: Path) -> Iterator[Path]:
    for directory in base_dir.glob(f"{DIR_PREFIX}*"):
        if _is_owned_by_current_user(directory) and (directory / "home").is_file():
            yield directory


def _is_owned_by_current_user(directory: Path) -> bool:
    status = directory.lstat()  # lstat: another user may have created a symbolic link
    return directory.is_dir() and not directory.is_symlink() and status.st_uid == os.geteuid()
