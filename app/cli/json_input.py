"""JSON that a user gives: strict, because what Python's json accepts besides JSON cannot be sent."""

from typing import Any

import msgspec

from schemas.errors import DECODE_ERRORS
from schemas.json_errors import BYTE_ORDER_MARK, describe_decode_error


def parse_json(text: bytes) -> Any:
    """The JSON value. Raises ValueError that says what is wrong; NaN, Infinity and half a surrogate pair are not JSON."""
    try:
        return msgspec.json.decode(text.removeprefix(BYTE_ORDER_MARK))
    except DECODE_ERRORS as error:
        raise ValueError(str(describe_decode_error(error, text.removeprefix(BYTE_ORDER_MARK)))) from None
