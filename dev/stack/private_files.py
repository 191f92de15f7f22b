"""Files with secrets or state, and lock files."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.private_file import write_private_file

__all__ = ["acquire_file_lock", "try_acquire_file_lock", "write_private_file"]


@contextmanager
def acquire_file_lock(path: Path) -> Iterator[None]:
    """Wait for the lock of the file and hold it. The kernel releases it if this process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def try_acquire_file_lock(path: Path) -> Iterator[bool]:
    """Hold the lock of the file if no other process does; yields whether it is held."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
