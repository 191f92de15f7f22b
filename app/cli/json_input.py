"""JSON that a user gives: strict, because what Python's json accepts besides JSON cannot be sent."""

from typing import Any

import msgspec

from schemas.errors import DECODE_ERRORS


def parse_json(text: bytes) -> Any:
    """The JSON value. Raises ValueError that says what is wrong; NaN, Infinity and half a surrogate pair are not JSON."""
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except DECODE_ERRORS as error:
        raise ValueError(str(error)) from None
