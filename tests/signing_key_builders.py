"""Signing keys for tests."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.auth.signing_keys import SigningKeys, encode_private_key


def build_keys(count: int = 1) -> SigningKeys:
    """New keys."""
    return SigningKeys("".join(encode_private_key(Ed25519PrivateKey.generate()) for _ in range(count)))
