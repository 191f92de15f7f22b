"""Where an import stands, in a file beside the imported one, so that the same command goes on after an interruption."""

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from app.admin.bulk.source_lines import InvalidFileError

FINGERPRINT_BYTES = 1024 * 1024  # at the beginning of the file


class ImportCounts(Struct, omit_defaults=False):
    """The records of a file so far: those that created or changed something, those that were so already, and those that are not valid."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    invalid: int = 0


class ImportState(Struct):
    """The last line whose chunk is committed, the counts up to it, and what the file looked like."""

    kind: str
    fingerprint: str
    line: int = 0
    counts: ImportCounts = msgspec.field(default_factory=ImportCounts)


class StateFile:
    """Keeps the state of the import of one file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, kind: str, source: Path) -> ImportState:
        """The state of an import that was interrupted, or a new one. Raises InvalidFileError if it is of another file or content."""
        fingerprint = compute_fingerprint(source)
        try:
            state = msgspec.json.decode(self.path.read_bytes(), type=ImportState)
        except FileNotFoundError:
            return ImportState(kind, fingerprint)
        except msgspec.DecodeError:
            raise InvalidFileError(f"{self.path} is damaged: remove it to begin again, which changes nothing twice") from None
        if (state.kind, state.fingerprint) != (kind, fingerprint):
            text = f"{self.path} is from an import of {state.kind} that stopped after line {state.line}, and {source} is not as it was"
            raise InvalidFileError(f"{text}: remove {self.path} to begin again, which changes nothing twice")
        return state

    def save(self, state: ImportState) -> None:
        """Replace the file at once, so that it is never half written."""
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        temporary.write_bytes(msgspec.json.encode(state))
        os.replace(temporary, self.path)

    def remove(self) -> None:
        """Remove the file of a finished import."""
        self.path.unlink(missing_ok=True)


def compute_fingerprint(source: Path) -> str:
    """The size of a file, and a hash of its beginning."""
    with source.open("rb") as file:
        digest = hashlib.blake2b(file.read(FINGERPRINT_BYTES), digest_size=16).hexdigest()
    return f"{source.stat().st_size}-{digest}"
