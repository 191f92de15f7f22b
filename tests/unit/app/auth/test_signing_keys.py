"""The file of keys that sign access tokens."""

import os
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.auth.signing_keys import CHECK_INTERVAL, SigningKeyFile, SigningKeys, compute_kid, encode_private_key
from schemas.errors import SettingError
from tests.signing_key_builders import build_keys

EC_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def test_the_first_key_signs_and_all_are_known_by_their_thumbprint() -> None:
    keys = build_keys(3)
    assert keys.first is keys.keys[0]
    assert list(keys.by_kid) == [compute_kid(key.public) for key in keys.keys]
    assert SigningKeys(keys.to_text()).by_kid.keys() == keys.by_kid.keys()


def test_a_kid_is_the_thumbprint_of_rfc_8037() -> None:
    # RFC 8037, appendix A.3
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert compute_kid(private.public_key()) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_key_set_has_public_keys_only_and_verifies() -> None:
    keys = build_keys(2)
    jwks = keys.build_jwks()
    assert all(set(jwk) == {"crv", "kty", "x", "kid", "alg", "use"} for jwk in jwks["keys"])
    token = jwt.encode({"a": 1}, keys.first.private, "EdDSA")
    assert jwt.decode(token, jwt.PyJWK(jwks["keys"][0]), algorithms=["EdDSA"]) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1 to 8 private keys; it has 0"),
        ("secret text", "no private key"),
        (EC_KEY.decode(), "not Ed25519"),
        ("".join(build_keys(3).to_text() for _ in range(3)), "it has 9"),
        (2 * build_keys().to_text(), "twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_without_its_content(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        SigningKeys(text)
    assert "secret text" not in str(error.value)


class KeyFileHarness:
    def __init__(self, path: Path) -> None:
        self.now, self.problems, self.path = 0.0, [], path  # type: ignore[var-annotated]
        path.write_text(build_keys().to_text())
        self.file = SigningKeyFile(path, lambda: self.now, self.problems.append)

    def replace(self, text: str) -> None:
        self.path.write_text(text)
        os.utime(self.path, ns=(1, self.path.stat().st_mtime_ns + 1_000_000))


def test_a_changed_file_is_read_again_after_a_few_seconds(tmp_path: Path) -> None:
    harness = KeyFileHarness(tmp_path / "keys.pem")
    first, rotated = harness.file.get(), build_keys(2)
    harness.replace(rotated.to_text())
    assert harness.file.get() is first
    harness.now = CHECK_INTERVAL
    assert harness.file.get().by_kid.keys() == rotated.by_kid.keys()


def test_a_file_that_has_become_unusable_leaves_the_keys_and_is_reported(tmp_path: Path) -> None:
    harness = KeyFileHarness(tmp_path / "keys.pem")
    first = harness.file.get()
    harness.replace("damaged")
    harness.now = CHECK_INTERVAL
    assert harness.file.get() is first
    harness.path.unlink()
    harness.now *= 2
    assert harness.file.get() is first
    assert ["no private key" in harness.problems[0], "No such file" in harness.problems[1]] == [True, True]


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"auth.signing_keys_file.*No such file.*herold signing-keys"):
        SigningKeyFile(tmp_path / "none.pem", lambda: 0.0, print)


def test_a_private_key_is_written_as_pem() -> None:
    assert encode_private_key(Ed25519PrivateKey.generate()).startswith("-----BEGIN PRIVATE KEY-----\n")
