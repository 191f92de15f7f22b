"""Signed heads: only the key's signature of exactly this head counts."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.checkpoints import CheckpointKeys, compute_key_id, is_signed

SECRET = b"s" * 32
KEYS = CheckpointKeys([SECRET, b"former" * 4])
CHECKPOINT = KEYS.sign("audit", 7, b"h" * 32, 1_790_000_000_000_000)


def test_the_key_is_derived_from_the_secret() -> None:
    seed = sha256(b"herold log key v1\n" + SECRET).digest()
    assert KEYS.public_key == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert CHECKPOINT.key_id == KEYS.key_id == compute_key_id(KEYS.public_key)


def test_a_head_is_signed_as_it_is() -> None:
    assert KEYS.find_problem(CHECKPOINT) == ""
    assert CheckpointKeys([b"new" * 8, SECRET]).find_problem(CHECKPOINT) == ""


@pytest.mark.parametrize("change", [{"log": "consent"}, {"number": 8}, {"hash": b"x" * 32}, {"created_at": 1}, {"signature": bytes(64)}])
def test_nothing_of_a_head_can_be_changed(change: dict[str, object]) -> None:
    assert KEYS.find_problem(CHECKPOINT._replace(**change)) == "has a wrong signature"  # type: ignore[arg-type]


def test_the_signature_of_a_foreign_key_does_not_count() -> None:
    foreign = CheckpointKeys([b"f" * 32])
    problem = KEYS.find_problem(foreign.sign("audit", 7, b"h" * 32, 1))
    assert problem == f"is signed with the key {foreign.key_id}, which audit.signing_key has not"
    forged = foreign.sign("audit", 7, b"h" * 32, 1)._replace(key_id=KEYS.key_id)
    assert KEYS.find_problem(forged) == "has a wrong signature"


def test_a_signature_of_a_proof_is_none_of_a_head() -> None:
    key = Ed25519PublicKey.from_public_bytes(KEYS.public_key)
    assert not is_signed(key, CHECKPOINT._replace(signature=KEYS.sign_proof(b"")))


def test_public_keys_are_found_by_their_id() -> None:
    assert KEYS.get_public_key(KEYS.key_id) == KEYS.public_key
    assert KEYS.get_public_key("0" * 16) is None


def test_a_secret_is_needed() -> None:
    with pytest.raises(ValueError, match="secret is needed"):
        CheckpointKeys([])
