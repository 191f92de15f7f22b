"""Ports that were picked a while ago, so that two stacks which start at the same time do not pick the same one.

A port looks free until its server listens, and again while the server restarts.
"""

import json
import os
import tempfile
import time
from pathlib import Path

from dev.stack.private_files import acquire_file_lock, write_private_file

CLAIM_SECONDS = 600.0


def get_claims_dir() -> Path:
    """The directory of the claims of this user."""
    return Path(tempfile.gettempdir()) / f"herold-ports-{os.geteuid()}"


def claim_port(port: int, directory: Path | None = None, now: float | None = None) -> bool:
    """Claim a port for CLAIM_SECONDS. Returns whether nobody else has; also True if the directory cannot be used.

    `now`: epoch seconds; the present time by default.
    """
    directory, now = directory or get_claims_dir(), time.time() if now is None else now
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        with acquire_file_lock(directory / "lock"):
            claims = {claimed: until for claimed, until in _read_claims(directory).items() if now < until <= now + CLAIM_SECONDS}
            if str(port) in claims:
                return False
            write_private_file(directory / "claims.json", json.dumps({**claims, str(port): now + CLAIM_SECONDS}))
    except OSError:
        pass
    return True


def _read_claims(directory: Path) -> dict[str, float]:
    """By port, until when it is claimed in epoch seconds."""
    try:
        return dict(json.loads((directory / "claims.json").read_text()))
    except (FileNotFoundError, ValueError):
        return {}
