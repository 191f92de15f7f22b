"""The key pair that signs the simulated event webhook of SendGrid: ECDSA on P-256, in one file with the private and the public key as PEM.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features.
"""

import re
from pathlib import Path

from dev.stack.private_files import write_private_file

_find_public_key = re.compile("-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL).search


def ensure_signing_key(file: Path) -> str:
    """The public key of the file as base64 of its DER form, as SendGrid shows it.

    A file that does not exist is written with a fresh pair, readable by its owner only. Raises ValueError if it has no public key.
    """
    if not file.exists():
        write_private_file(file, build_key_pair())
    match = _find_public_key(file.read_text())
    if match is None:
        raise ValueError(f"{file} has no public key: delete it, so that a new pair is made")
    return "".join(match[1].split())


def build_key_pair() -> str:
    """A fresh pair, the private key before the public one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return (private + public).decode()
