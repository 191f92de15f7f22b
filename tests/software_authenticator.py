"""A passkey in software: makes what a browser's WebAuthn API returns, by the W3C recommendation, on `cryptography`."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40  # flags (6.1)
COSE_ES256 = -7


def encode(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftwareAuthenticator:
    """One credential, of ES256. `sign_count` rises with each use, unless it is 0, as with passkeys that are synchronised."""

    origin: str
    sign_count: int = 1
    flags: int = PRESENT | VERIFIED
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    def create(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """The answer to navigator.credentials.create(); `client_data` replaces fields of it."""
        self.user_handle = decode(options["user"]["id"])
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._encode_public_key()
        data = self._build_data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": encode(attestation), "transports": ["internal"]}
        return self._build_credential("webauthn.create", options["challenge"], response, client_data)

    def get(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """The answer to navigator.credentials.get(); `client_data` replaces fields of it."""
        if self.sign_count:
            self.sign_count += 1
        credential = self._build_credential("webauthn.get", options["challenge"], {}, client_data)
        data = self._build_data(options["rpId"], 0)
        signed = data + hashlib.sha256(decode(credential["response"]["clientDataJSON"])).digest()
        credential["response"] |= {
            "authenticatorData": encode(data),
            "signature": encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": encode(self.user_handle),
        }
        return credential

    def _build_data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags | flags]) + struct.pack(">I", self.sign_count)

    def _build_credential(self, kind: str, challenge: str, response: dict[str, Any], client_data: dict[str, Any]) -> dict[str, Any]:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **client_data}
        encoded = {"clientDataJSON": encode(json.dumps(data).encode()), **response}
        return {
            "id": encode(self.credential_id),
            "rawId": encode(self.credential_id),
            "type": "public-key",
            "response": encoded,
            "clientExtensionResults": {},
        }

    def _encode_public_key(self) -> bytes:
        """COSE_Key (RFC 9053, 7.1.1)."""
        numbers = self.key.public_key().public_numbers()
        return bytes(cbor2.dumps({1: 2, 3: COSE_ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}))
