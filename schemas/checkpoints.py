"""Checkpoints: heads of the hash chains, signed with Ed25519 (RFC 8032). Nobody without the key replaces what stands before a checkpoint.

The key is derived from a secret: its seed is the SHA-256 of a context and the secret's bytes.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.log_chain import LogName, encode_texts

_SEED_CONTEXT = b"herold log key v1\n"
_CHECKPOINT = "herold log checkpoint v1"
_PROOF = "herold consent proof v1"


class Checkpoint(NamedTuple):
    """A signed head: the hash of the chain up to the entry `number`; `created_at` in microseconds since 1970."""

    log: str
    number: int
    hash: bytes
    created_at: int
    key_id: str
    signature: bytes


class LinkedLog(NamedTuple):
    """How many entries of a log were linked to its chain in one transaction, whether more wait, and the checkpoint that was made."""

    log: LogName
    linked: int
    has_more: bool
    checkpoint: Checkpoint | None


class CheckpointKeys:
    """Signs with the first secret, and verifies what any signed, so that one can be replaced. Raises ValueError without a secret."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("a secret is needed to sign checkpoints")
        keys = [Ed25519PrivateKey.from_private_bytes(sha256(_SEED_CONTEXT + secret).digest()) for secret in secrets]
        self._key = keys[0]
        self._public_keys = {compute_key_id(key.public_key().public_bytes_raw()): key.public_key() for key in keys}

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public key that belongs to what is signed now."""
        return self._key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The id of that key."""
        return compute_key_id(self.public_key)

    def sign(self, log: str, number: int, chain_hash: bytes, created_at: int) -> Checkpoint:
        """The checkpoint of a head; the time in microseconds since 1970."""
        unsigned = Checkpoint(log, number, chain_hash, created_at, self.key_id, b"")
        return unsigned._replace(signature=self._key.sign(_encode(unsigned)))

    def sign_proof(self, content: bytes) -> bytes:
        """The signature of the content of a proof of consent."""
        return self._key.sign(encode_proof(content))

    def get_public_key(self, key_id: str) -> bytes | None:
        """The 32 bytes of one of the keys; None for another id."""
        key = self._public_keys.get(key_id)
        return key.public_bytes_raw() if key else None

    def find_problem(self, checkpoint: Checkpoint) -> str:
        """What is wrong with a checkpoint's signature; empty if nothing is."""
        key = self._public_keys.get(checkpoint.key_id)
        if key is None:
            return f"is signed with the key {checkpoint.key_id}, which audit.signing_key has not"
        return "" if is_signed(key, checkpoint) else "has a wrong signature"


def is_signed(key: Ed25519PublicKey, checkpoint: Checkpoint) -> bool:
    """Whether the key signed the checkpoint."""
    try:
        key.verify(checkpoint.signature, _encode(checkpoint))
    except InvalidSignature:
        return False
    return True


def encode_proof(content: bytes) -> bytes:
    """What is signed of a proof: no signature of a head is one of a proof."""
    return encode_texts([_PROOF]) + content


def compute_key_id(public_key: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a public key."""
    return sha256(public_key).hexdigest()[:16]


def _encode(checkpoint: Checkpoint) -> bytes:
    texts = _CHECKPOINT, checkpoint.log, str(checkpoint.number), checkpoint.hash.hex(), str(checkpoint.created_at)
    return encode_texts(texts)
