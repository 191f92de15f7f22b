"""A place for PostgreSQL when root starts it: the server refuses root's uid, and the uid it gets may not reach the home folder.

The place is under /var/tmp, named by the hash of the home, and remembers that home, so that it is found again by the same home
and removed when the home is gone.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

BASE_DIR = Path("/var/tmp")
DIR_PREFIX = "herold-"
RETENTION_SECONDS = 24 * 3600.0  # seconds


class DirOwnerError(Exception):
    """The folder's name is taken by somebody else."""


def is_world_traversable(path: Path) -> bool:
    """Whether a uid without rights of its own can enter the folder: it and all above it may be entered by others."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def ensure_data_dir(home: Path, base_dir: Path = BASE_DIR) -> Path:
    """The folder of this home under the shelter, made if need be; raises NotOurs."""
    folder = base_dir / (DIR_PREFIX + hashlib.sha256(str(home).encode()).hexdigest()[:12])
    folder.mkdir(mode=0o711, exist_ok=True)
    if not _is_owned_by_current_user(folder):
        raise DirOwnerError(f"{folder} belongs to somebody else: remove it, or set HEROLD_HOME to another directory")
    (folder / "home").write_text(str(home))
    return folder


def remove_stale_data_dirs(now: float, base_dir: Path = BASE_DIR) -> list[Path]:
    """Remove the refuges whose home folder is gone and that were last used over a day ago; returns them.

    `now` is seconds since the epoch. The day is for homes on a disk that is not mounted at the moment.
    """
    gone = [folder for folder in _list_data_dirs(base_dir) if _is_stale(folder / "home", now)]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)  # another start may be removing it too
    return gone


def remove_data_dir(home: Path, base_dir: Path = BASE_DIR) -> None:
    """Remove the refuge of a home whose servers are down."""
    for folder in _list_data_dirs(base_dir):
        if (folder / "home").read_text() == str(home):
            shutil.rmtree(folder)


def _is_stale(home_file: Path, now: float) -> bool:
    return not Path(home_file.read_text()).exists() and now - home_file.stat().st_mtime > RETENTION_SECONDS


def _list_data_dirs(base_dir: Path) -> Iterator[Path]:
    for folder in base_dir.glob(f"{DIR_PREFIX}*"):
        if _is_owned_by_current_user(folder) and (folder / "home").is_file():
            yield folder


def _is_owned_by_current_user(folder: Path) -> bool:
    status = folder.lstat()  # not a link that somebody has put there
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.geteuid()
