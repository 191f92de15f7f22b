"""Form encoding (application/x-www-form-urlencoded) of values."""

import re

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]")
_ESCAPED = {bytes((byte,)): b"%%%02X" % byte for byte in range(256)}


def quote_form_value(text: str) -> bytes:
    """The value with each byte that is not unreserved as %XX, and a space as +."""
    return _UNSAFE.sub(_escape, text.encode()).replace(b" ", b"+")


def _escape(match: re.Match[bytes]) -> bytes:
    return _ESCAPED[match[0]]
