"""The fingerprint of a request with an Idempotency-Key: the same for the same JSON values, however they are written."""

from hashlib import blake2b

from schemas.canonical_json import canonicalise
from schemas.errors import DECODE_ERRORS


def compute_fingerprint(route: bytes, body: bytes) -> str:
    """The hash of a route and of the meaning of a body; of the bytes of an invalid body, whose response is not stored."""
    return blake2b(route + b"\0" + find_meaning(body), digest_size=16).hexdigest()


def find_meaning(body: bytes) -> bytes:
    """The JSON of a body in one form; its bytes if it is none."""
    try:
        return canonicalise(body)
    except DECODE_ERRORS:
        return body
