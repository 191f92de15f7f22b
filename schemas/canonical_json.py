"""JSON in one form: the same bytes for the same values, however a producer writes them."""

import msgspec

_MAX_EXACT_INTEGER = 2**53


def _parse_float(text: str) -> float:
    """The number; an int if it is whole, so that 17.0 is 17."""
    number = float(text)
    return int(number) if abs(number) < _MAX_EXACT_INTEGER and number.is_integer() else number


encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(float_hook=_parse_float).decode


def canonicalise(text: bytes) -> bytes:
    """The JSON with sorted members, without optional escapes and with whole numbers as integers. Raises one of DECODE_ERRORS."""
    return encode_sorted(_decode(text))
