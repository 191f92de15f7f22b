"""Proofs of consent: the events of one user, their way to signed heads of the log, and the deliveries they allowed; pure.

A proof is JSON without fractions. Its signature is Ed25519 over `23:herold consent proof v1,` and the proof without the signature, as JSON
with sorted names, no spaces, and UTF-8. docs/consent_proof.py verifies the same without Herold.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.checkpoints import Checkpoint, CheckpointKeys, compute_key_id, encode_proof, is_signed
from schemas.log_chain import Link, LogEntry, compute_digest, compute_hash, compute_person

FORMAT = "herold-consent-proof/1"
FIELDS = (
    "log", "id", "category", "channel", "change", "old_choice", "new_choice", "source", "actor", "principal", "request_id", "occurred_at",
)  # fmt: skip
PERSONAL = ("user_id", "address", "reason", "client_address")

Proof = Mapping[str, Any]


class ChainSegment(NamedTuple):
    """A part of the chain that ends with a checkpoint: the hash before its first link, and the digest of each of its entries."""

    first_number: int
    hash_before: bytes
    digests: Sequence[bytes]
    checkpoint: Checkpoint


class ProvenDelivery(NamedTuple):
    """A delivery of the user; times in microseconds since 1970. `consent_event_id` is empty if no event was needed."""

    id: str
    notification_id: str
    channel: str
    category: str
    status: str
    created_at: int
    consent_event_id: str


class ProofContent(NamedTuple):
    """What a proof is made of; the time in microseconds since 1970."""

    user_id: str
    created_at: int
    entries: Sequence[tuple[Link, LogEntry]]
    segments: Sequence[ChainSegment]
    deliveries: Sequence[ProvenDelivery]


def build_proof(content: ProofContent, keys: CheckpointKeys) -> dict[str, Any]:
    """The signed proof. A key that is not ours any more is left out; then its checkpoints cannot be verified."""
    key_ids = {keys.key_id, *(segment.checkpoint.key_id for segment in content.segments)}
    public_keys = {key_id: b64encode(key).decode() for key_id in sorted(key_ids) if (key := keys.get_public_key(key_id))}
    unsigned = {
        "format": FORMAT,
        "user_id": content.user_id,
        "created_at": content.created_at,
        "key_id": keys.key_id,
        "public_keys": public_keys,
        "entries": [_describe_entry(link, entry) for link, entry in content.entries],
        "segments": [_describe_segment(segment) for segment in content.segments],
        "deliveries": [delivery._asdict() for delivery in content.deliveries],
    }
    return {**unsigned, "signature": b64encode(keys.sign_proof(encode_content(unsigned))).decode()}


def encode_content(proof: Proof) -> bytes:
    """The bytes that are signed: the proof without its signature."""
    unsigned = {name: value for name, value in proof.items() if name != "signature"}
    return json.dumps(unsigned, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def find_proof_problem(proof: Proof, trusted_key: bytes | None = None) -> str:
    """What is wrong with a proof; empty if nothing is. Without `trusted_key` the key in the proof is believed."""
    try:
        return _find_problem(proof, trusted_key)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return f"it is no proof in the format {FORMAT}: {type(error).__name__}"


def _find_problem(proof: Proof, trusted_key: bytes | None) -> str:
    if proof["format"] != FORMAT:
        return f"its format is {proof['format']!r}, not {FORMAT}"
    keys = {key_id: b64decode(text, validate=True) for key_id, text in proof["public_keys"].items()}
    if any(compute_key_id(key) != key_id for key_id, key in keys.items()):
        return "a public key has another id than it is listed under"
    if trusted_key is not None and compute_key_id(trusted_key) != proof["key_id"]:
        return "it is signed with another key than the one that you trust"
    if not _is_proof_signed(keys[proof["key_id"]], proof):
        return "its signature is wrong: something in it was changed"
    return _find_chain_problem(proof, keys)


def _find_chain_problem(proof: Proof, keys: Mapping[str, bytes]) -> str:
    proven: dict[int, bytes] = {}
    for segment in map(_parse_segment, proof["segments"]):
        number, chain_hash = segment.first_number, segment.hash_before
        for digest in segment.digests:
            chain_hash, proven[number] = compute_hash(chain_hash, number, digest), digest
            number += 1
        checkpoint = segment.checkpoint
        if checkpoint.log != "consent" or (number - 1, chain_hash) != (checkpoint.number, checkpoint.hash):
            return f"the segment from {segment.first_number} on does not lead to the head {checkpoint.number}"
        if checkpoint.key_id not in keys or not is_signed(Ed25519PublicKey.from_public_bytes(keys[checkpoint.key_id]), checkpoint):
            return f"the head {checkpoint.number} is not signed with a key of this proof"
    return next(filter(None, (_find_entry_problem(entry, proof["user_id"], proven) for entry in proof["entries"])), "")


def _find_entry_problem(entry: Mapping[str, Any], user_id: str, proven: Mapping[int, bytes]) -> str:
    name = f"entry {entry['number']}, cev_{entry['fields']['id']},"
    personal = [entry["personal"][column] for column in PERSONAL]
    if entry["salt"] and compute_person(bytes.fromhex(entry["salt"]), personal) != bytes.fromhex(entry["person"]):
        return f"{name} has other personal columns than were linked"
    if entry["personal"]["user_id"] not in ("", user_id):
        return f"{name} is about another user"
    digest = compute_digest([entry["fields"][column] for column in FIELDS], bytes.fromhex(entry["person"]))
    return "" if proven.get(entry["number"]) == digest else f"{name} is not what the signed chain has at this place"


def _is_proof_signed(key: bytes, proof: Proof) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(b64decode(proof["signature"], validate=True), encode_proof(encode_content(proof)))
    except InvalidSignature:
        return False
    return True


def _describe_entry(link: Link, entry: LogEntry) -> dict[str, Any]:
    return {
        "number": link.number,
        "fields": dict(zip(FIELDS, entry.fields, strict=True)),
        "personal": dict(zip(PERSONAL, entry.personal, strict=True)),
        "salt": entry.salt.hex() if entry.salt else "",
        "person": link.person.hex(),
    }


def _describe_segment(segment: ChainSegment) -> dict[str, Any]:
    checkpoint = segment.checkpoint
    return {
        "first_number": segment.first_number,
        "hash_before": segment.hash_before.hex(),
        "digests": [digest.hex() for digest in segment.digests],
        "checkpoint": {
            **checkpoint._asdict(),
            "hash": checkpoint.hash.hex(),
            "signature": b64encode(checkpoint.signature).decode(),
        },
    }


def _parse_segment(segment: Mapping[str, Any]) -> ChainSegment:
    checkpoint = Checkpoint(**segment["checkpoint"])
    signed = checkpoint._replace(hash=bytes.fromhex(segment["checkpoint"]["hash"]), signature=b64decode(segment["checkpoint"]["signature"]))
    digests: Iterable[str] = segment["digests"]
    return ChainSegment(segment["first_number"], bytes.fromhex(segment["hash_before"]), [bytes.fromhex(one) for one in digests], signed)
