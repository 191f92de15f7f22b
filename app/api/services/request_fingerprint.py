"""The fingerprint of a request with an Idempotency-Key: the same for the same JSON values, however they are written."""

from hashlib import blake2b

import msgspec

from schemas.errors import DECODE_ERRORS

_MAX_EXACT_INTEGER = 2**53


def compute_fingerprint(route: bytes, body: bytes) -> str:
    """The hash of a route and of the meaning of a body; order of members, escapes and the form of numbers do not count."""
    return blake2b(route + b"\0" + _canonicalise(body), digest_size=16).hexdigest()


def _parse_float(text: str) -> float:
    """The number; an int if it is whole, so that 17.0 is 17."""
    number = float(text)
    return int(number) if abs(number) < _MAX_EXACT_INTEGER and number.is_integer() else number


_decode = msgspec.json.Decoder(float_hook=_parse_float).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def _canonicalise(body: bytes) -> bytes:
    """The body with sorted members and without optional escapes; an invalid body as it is, because its response is not stored."""
    try:
        return _encode(_decode(body))
    except DECODE_ERRORS:
        return body
