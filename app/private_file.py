"""Files with secrets: readable by their owner only, and replaced atomically."""

import os
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Replace the file atomically, with mode 0600 from its creation."""
    new_file = path.with_name(f"{path.name}.{os.getpid()}.new")
    new_file.unlink(missing_ok=True)
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new_file.replace(path)
