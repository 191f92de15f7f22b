"""Access tokens, and what attackers try instead (RFC 8725)."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.auth.access_tokens import ALGORITHM, LEEWAY, AccessTokens
from app.auth.signing_keys import SigningKeys
from tests.signing_key_builders import build_keys

NOW = 1_795_851_813.0
LIFETIME = 900
RSA_KEY = rsa.generate_private_key(65537, 2048)


class Harness:
    """Tokens with a clock."""

    def __init__(self) -> None:
        self.now, self.keys = NOW, build_keys(2)
        self.tokens = AccessTokens(lambda: self.keys, "herold", "herold-api", LIFETIME, lambda: self.now, lambda: "jti-1")

    def sign(self) -> str:
        return self.tokens.sign("acc_1", "ses_1", 3, "shop")

    def forge(self, header: dict[str, Any] | None = None, without: str = "", key: Any = None, **claims: Any) -> str:
        """A token of the right key with these claims and header fields instead."""
        values = {**jwt.decode(self.sign(), options={"verify_signature": False}), **claims}
        values.pop(without, None)
        headers = {"kid": self.keys.first.kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode(values, key or self.keys.first.private, headers.pop("alg", ALGORITHM), headers)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def encode_part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_a_token_says_who_it_is_for(harness: Harness) -> None:
    token = harness.sign()
    claims = harness.tokens.verify(token)
    assert claims is not None
    assert (claims.sub, claims.sid, claims.tv, claims.prj, claims.jti) == ("acc_1", "ses_1", 3, "shop", "jti-1")
    assert claims.exp - claims.iat == LIFETIME
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": harness.keys.first.kid, "typ": "at+jwt"}


def test_a_token_ends_after_its_lifetime(harness: Harness) -> None:
    token = harness.sign()
    harness.now = NOW + LIFETIME - 1
    assert harness.tokens.verify(token) is not None
    harness.now = NOW + LIFETIME
    assert harness.tokens.verify(token) is None


def test_a_token_of_the_future_is_accepted_within_the_leeway_only(harness: Harness) -> None:
    token = harness.sign()
    harness.now = NOW - LEEWAY
    assert harness.tokens.verify(token) is not None
    harness.now = NOW - LEEWAY - 1
    assert harness.tokens.verify(token) is None


def test_a_former_key_verifies_until_it_is_removed(harness: Harness) -> None:
    token, (first, second) = harness.sign(), harness.keys.keys
    harness.keys = SigningKeys(SigningKeys.to_text(harness.keys))
    harness.keys.keys.reverse()
    assert harness.keys.first == second or harness.keys.first.kid == second.kid
    assert harness.tokens.verify(token) is not None
    harness.keys = build_keys()
    assert harness.tokens.verify(token) is None
    assert first.kid not in harness.keys.by_kid


def forge_none(harness: Harness) -> str:
    _, claims, _ = harness.sign().split(".")
    return f"{encode_part({'alg': 'none', 'kid': harness.keys.first.kid, 'typ': 'at+jwt'})}.{claims}."


def forge_with_public_key(harness: Harness) -> str:
    """HS256 with the public key as the secret, which a verifier that believes the header takes for its own."""
    key = harness.keys.first.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _, claims, _ = harness.sign().split(".")
    signed = f"{encode_part({'alg': 'HS256', 'kid': harness.keys.first.kid, 'typ': 'at+jwt'})}.{claims}"
    mac = hmac.HMAC(key, hashes.SHA256())
    mac.update(signed.encode())
    return f"{signed}.{encode_part(mac.finalize())}"


def forge_with_own_jwk(harness: Harness) -> str:
    own = Ed25519PrivateKey.generate()
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key()))
    return harness.forge({"jwk": jwk}, key=own)


FORGERIES: dict[str, Callable[[Harness], str]] = {
    "alg none": forge_none,
    "key confusion": forge_with_public_key,
    "alg RS256": lambda harness: harness.forge({"alg": "RS256"}, key=RSA_KEY),
    "foreign key": lambda harness: harness.forge(key=Ed25519PrivateKey.generate()),
    "embedded jwk": forge_with_own_jwk,
    "jku": lambda harness: harness.forge({"jku": "https://attacker.example/jwks.json"}),
    "unknown kid": lambda harness: harness.forge({"kid": "unknown"}),
    "kid of the other key": lambda harness: harness.forge({"kid": harness.keys.keys[1].kid}),
    "kid path traversal": lambda harness: harness.forge({"kid": "../../../dev/null"}),
    "kid SQL": lambda harness: harness.forge({"kid": "x' union select 'key' --"}),
    "kid line break": lambda harness: harness.forge({"kid": f"{harness.keys.first.kid}\r\nx-admin: 1"}),
    "critical extension": lambda harness: harness.forge({"crit": ["b64"], "b64": False}),
    "ID token": lambda harness: harness.forge({"typ": "JWT"}),
    "foreign audience": lambda harness: harness.forge(aud="another-service"),
    "audience among others": lambda harness: harness.forge(aud=["herold-api", "another-service"]),
    "foreign issuer": lambda harness: harness.forge(iss="https://attacker.example"),
    "expired": lambda harness: harness.forge(exp=int(NOW) - 1),
    "long lifetime": lambda harness: harness.forge(exp=int(NOW) + LIFETIME + 1),
    "exp as a text": lambda harness: harness.forge(exp="9999999999"),
    "exp infinite": lambda harness: harness.forge(exp=float("inf")),
    "no session": lambda harness: harness.forge(without="sid"),
    "token version as a text": lambda harness: harness.forge(tv="3"),
    **{f"without {name}": lambda harness, name=name: harness.forge(without=name) for name in ("exp", "iat", "aud", "iss", "sub", "jti")},  # type: ignore[misc]
    "changed claims": lambda harness: ".".join([(parts := harness.sign().split("."))[0], encode_part({"sub": "acc_2"}), parts[2]]),
    "cut signature": lambda harness: harness.sign()[:-4],
    "too long": lambda harness: harness.sign() + "A" * 5000,
    "empty": lambda harness: "",
    "no token": lambda harness: "hrl_live_abcdefgh_secret",
    "deep JSON": lambda harness: f"{encode_part(b'[' * 2000)}.e30.e30",
    "not UTF-8": lambda harness: f"{encode_part(bytes([255, 254]))}.e30.e30",
    "huge number": lambda harness: encode_part(b'{"alg":"EdDSA","kid":' + b"9" * 3000 + b"}") + ".e30.e30",
    "lone surrogate": lambda harness: "\udcff.e30.e30",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_none(harness: Harness, name: str) -> None:
    assert harness.tokens.verify(FORGERIES[name](harness)) is None


def test_the_forgeries_differ_from_a_valid_token_in_one_thing(harness: Harness) -> None:
    assert harness.tokens.verify(harness.forge()) is not None
