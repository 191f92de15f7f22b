"""`python -m dev.simulators.service_account FILE TOKEN_URL`: writes a service account file with a fresh key, as Firebase's console does.

A file that exists with this token URL is kept.
"""

import json
import os
import secrets
import sys
from pathlib import Path

KEY_BITS = 2048
EMAIL = "herold@herold.iam.gserviceaccount.com"


def ensure_service_account(file: Path, token_url: str) -> None:
    """Write the file, readable by its owner only, unless it exists with this token URL."""
    if _read_token_url(file) == token_url:
        return
    new_file = file.with_name(f"{file.name}.{os.getpid()}.new")
    new_file.unlink(missing_ok=True)
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(build_service_account(token_url), output, indent=1)
    new_file.replace(file)


def build_service_account(token_url: str) -> dict[str, str]:
    """The content of a service account file with a fresh key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    encoded_key = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "project_id": "herold",
        "private_key_id": secrets.token_hex(20),
        "private_key": encoded_key.decode(),
        "client_email": EMAIL,
        "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_url,
    }


def _read_token_url(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["token_uri"])
    except (OSError, ValueError, KeyError):
        return ""


if __name__ == "__main__":
    ensure_service_account(Path(sys.argv[1]), sys.argv[2])
