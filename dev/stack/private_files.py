"""Files with secrets or state: readable by their owner only, and replaced atomically; and lock files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Replace the file atomically, with mode 0600 from its creation."""
    new_file = path.with_name(f"{path.name}.{os.getpid()}.new")
    new_file.unlink(missing_ok=True)
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new_file.replace(path)


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
