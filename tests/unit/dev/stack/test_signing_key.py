"""The key pair of the event webhook: made once, private, and understood by SendGrid's own verifier."""

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sendgrid.helpers.eventwebhook import EventWebhook

from dev.stack.signing_key import build_key_pair, ensure_signing_key


def test_the_pair_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    assert ensure_signing_key(file) == ensure_signing_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert build_key_pair() != file.read_text()


def test_the_vendors_verifier_accepts_a_signature_of_the_private_key_with_the_public_one(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    verifier = EventWebhook(ensure_signing_key(file))
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    signature = b64encode(key.sign(b"1760000000[]", ECDSA(SHA256()))).decode()
    assert verifier.verify_signature("[]", signature, "1760000000")
    assert not verifier.verify_signature("[ ]", signature, "1760000000")


def test_a_file_without_a_public_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ValueError, match=r"key\.pem has no public key"):
        ensure_signing_key(file)
