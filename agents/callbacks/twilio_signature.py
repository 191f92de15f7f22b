"""The signature of Twilio's requests: base64 of an HMAC of the URL, followed by each parameter's name and value in the order of names.

Source: https://www.twilio.com/docs/usage/security#validating-requests, and request_validator.py of Twilio's own library (9.13), which is
also the source of the header X-Twilio-Webhooks-Signature-Settings of requests that are signed with a shared key. A body that is no form is
covered by its SHA-256 in the parameter bodySHA256 of the URL.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple, get_args
from urllib.parse import SplitResult, parse_qs, urlsplit

SIGNATURE_HEADER = b"x-twilio-signature"
SIGNATURE_SETTINGS_HEADER = b"x-twilio-webhooks-signature-settings"
DEFAULT_PORTS = {"https": 443, "http": 80}

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
_DIGESTS: Mapping[Algorithm, str] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


class SharedKey(NamedTuple):
    """A key that Twilio signs with instead of the auth token: its secret and its only algorithm, which we know by its id."""

    secret: bytes
    algorithm: Algorithm


class TwilioVerifier:
    """Verifies requests with any of the auth tokens (primary and secondary), or with the shared key that a request names.

    The algorithm is that of our settings: a request that names another one for its key is not genuine.
    """

    def __init__(self, auth_tokens: Sequence[str], shared_keys: Mapping[str, SharedKey] | None = None) -> None:
        self._tokens = [SharedKey(token.encode(), "HMAC_SHA1") for token in auth_tokens]
        self._shared_keys = dict(shared_keys or {})

    def verify_form(self, urls: Iterable[str], pairs: Iterable[tuple[str, str]], signature: bytes, settings: str = "") -> bool:
        """Whether a form was signed for one of the spellings of its URL; `settings` is the header with the shared key, if there is one."""
        # Twilio's own validator takes a name and value that occur twice once
        parameters = "".join(name + value for name, value in sorted(set(pairs)))
        return self._verify((url + parameters for url in urls), signature, settings)

    def verify_body(self, urls: Sequence[str], body: bytes, signature: bytes, settings: str = "") -> bool:
        """The same for a body that is no form, which the URL must have the SHA-256 of."""
        expected = parse_qs(urlsplit(urls[0]).query).get("bodySHA256", [""])[0]
        digest = sha256(body).hexdigest()
        return hmac.compare_digest(digest.encode(), expected.encode()) and self._verify(urls, signature, settings)

    def _verify(self, signed: Iterable[str], signature: bytes, settings: str) -> bool:
        keys = self._select_keys(settings)
        found = False
        for text in signed:
            encoded = text.encode("utf-8", "surrogatepass")
            for key in keys:
                found |= hmac.compare_digest(b64encode(hmac.digest(key.secret, encoded, _DIGESTS[key.algorithm])), signature)
        return found

    def _select_keys(self, settings: str) -> Sequence[SharedKey]:
        given = parse_signature_settings(settings)
        if "key" not in given:
            return self._tokens
        key = self._shared_keys.get(given["key"])
        return [key] if key is not None and given.get("algorithm", key.algorithm).upper() == key.algorithm else []


def parse_signature_settings(header: str) -> dict[str, str]:
    """The parts `name=value` of the header, which are separated by commas."""
    parts = [part.partition("=") for part in header.split(",")]
    return {name.strip(): value.strip() for name, equals, value in parts if equals and value.strip()}


def parse_shared_keys(text: str) -> dict[str, SharedKey]:
    """The shared keys of a setting, `id:algorithm:secret`, separated by commas. Raises ValueError, which does not quote a secret."""
    keys: dict[str, SharedKey] = {}
    for number, item in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        key_id, _, rest = item.partition(":")
        algorithm, _, secret = rest.partition(":")
        if not key_id or not secret or algorithm not in get_args(Algorithm):
            raise ValueError(f"key {number} is not id:algorithm:secret with one of the algorithms {', '.join(get_args(Algorithm))}")
        keys[key_id] = SharedKey(secret.encode(), algorithm)  # type: ignore[arg-type]  # checked above
    return keys


def list_url_spellings(url: str) -> list[str]:
    """The URL with and without its port, and both without a fragment: Twilio is not consistent in which of them it signs."""
    parts = urlsplit(url)
    hosts = dict.fromkeys((_with_port(parts), _without_port(parts)))
    spellings = [parts._replace(netloc=host) for host in hosts]
    return list(dict.fromkeys(one.geturl() for parts in spellings for one in (parts, parts._replace(fragment=""))))


def _with_port(parts: SplitResult) -> str:
    return parts.netloc if parts.port is not None else f"{parts.netloc}:{DEFAULT_PORTS.get(parts.scheme, 80)}"


def _without_port(parts: SplitResult) -> str:
    return parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
