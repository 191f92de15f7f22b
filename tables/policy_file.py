"""The last known policy in a file, for a start without PostgreSQL (docs/decisions/0011).

The file is one JSON object. It is replaced atomically, and its modification time is when PostgreSQL last confirmed the policy.
"""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from msgspec import Raw, Struct

from schemas.errors import DECODE_ERRORS
from schemas.policy import Policy

FORMAT = 1


class SavedPolicy(Struct, frozen=True):
    """A policy of the file, and when PostgreSQL confirmed it last (epoch seconds)."""

    policy: Policy
    confirmed_at: float


class _Document(Struct, frozen=True):
    """The content of the file: the policy as JSON with its SHA-256."""

    format: int
    checksum: str
    policy: Raw


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Document).decode
_decode_policy = msgspec.json.Decoder(Policy).decode


class PolicyFile:
    """A file with the last known policy; several processes may write it. Its methods block, and raise OSError as files do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, policy: Policy, at: float) -> None:
        """Replace the file by one with this policy, which is on the disk before it takes the place of the old one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.path.parent, prefix=f"{self.path.name}.", delete=False) as file:
            try:
                file.write(encode_policy(policy))
                file.flush()
                os.utime(file.fileno(), (at, at))
                os.fsync(file.fileno())
                os.replace(file.name, self.path)
            except BaseException:
                os.unlink(file.name)
                raise
        _sync_directory(self.path.parent)

    def confirm(self, policy: Policy, at: float) -> None:
        """Note that the policy is still current at `at`; save it if there is no file any more."""
        try:
            os.utime(self.path, (at, at))
        except FileNotFoundError:
            self.save(policy, at)

    def load(self) -> SavedPolicy | None:
        """The policy of the file; None without a file. Raises ValueError if the file is damaged or of another release."""
        try:
            with self.path.open("rb") as file:
                return SavedPolicy(decode_policy(file.read()), os.fstat(file.fileno()).st_mtime)
        except FileNotFoundError:
            return None


def encode_policy(policy: Policy) -> bytes:
    """The content of the file."""
    text = _encode(policy)
    return _encode(_Document(FORMAT, sha256(text).hexdigest(), Raw(text))) + b"\n"


def decode_policy(content: bytes) -> Policy:
    """The policy in the content of a file. Raises ValueError that says what is wrong, without the content."""
    try:
        document = _decode(content)
    except DECODE_ERRORS:
        raise ValueError("the file is damaged: it is not the JSON of a saved policy") from None
    if document.format != FORMAT:
        raise ValueError(f"the file has format {document.format}, this release reads format {FORMAT}")
    if sha256(document.policy).hexdigest() != document.checksum:
        raise ValueError("the file is damaged: its checksum does not match")
    try:
        return _decode_policy(document.policy)
    except DECODE_ERRORS:
        raise ValueError("the file is of another release: its policy has fields of another type") from None


def _sync_directory(directory: Path) -> None:
    """Write the new name to the disk, without which a power failure could bring the old file back."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
