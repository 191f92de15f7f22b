"""Files that hold secrets or state: readable by their owner only, and replaced in one step."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Replace the file in one step; it is never readable by others, not even while it is written."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


@contextmanager
def acquire_file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file, waiting for it; the kernel frees it if this process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def try_acquire_file_lock(path: Path) -> Iterator[bool]:
    """Hold the lock file if nobody else does; yields whether it is held."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
