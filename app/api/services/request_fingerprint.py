"""The fingerprint of a request with an Idempotency-Key: the same for the same JSON values, however they are written."""

from contextlib import suppress
from hashlib import blake2b

from schemas.canonical_json import canonicalise
from schemas.errors import DECODE_ERRORS


def compute_fingerprint(route: bytes, body: bytes) -> str:
    """The hash of a route and of the meaning of a body; of the bytes of an invalid body, whose response is not stored."""
    with suppress(*DECODE_ERRORS):
        body = canonicalise(body)
    return blake2b(route + b"\0" + body, digest_size=16).hexdigest()
