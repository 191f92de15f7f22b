"""aiokafka's schemas, compiled: a message is encoded and decoded with two calls for each field of variable length.

aiokafka calls four functions for each field of each partition of each request and response, which is a sixth of what a router does at 100
notifications a second. The fixed fields between two variable ones, and the length of the next one, are one struct here. Types that no
frequent message has (compact and tagged ones) stay with aiokafka.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.protocol.struct import Struct
from aiokafka.protocol.types import Array, Boolean, Bytes, Float64, Int8, Int16, Int32, Int64, Schema, String, UInt32

FIXED_FORMATS = {Int8: "b", Int16: "h", Int32: "i", UInt32: "I", Int64: "q", Float64: "d", Boolean: "?"}
STRING_LENGTH, BYTES_LENGTH = "h", "i"
NULL = -1  # the length of what is None

Encoder = Callable[[Sequence[Any], list[bytes]], None]  # of the values of a schema, to a list of pieces
Decoder = Callable[[bytes, int], tuple[tuple[Any, ...], int]]  # of the values of a schema from a position on; also the position after them
LengthEncoder = Callable[[Any, list[bytes]], int]  # of a variable field, without its length, which it returns
LengthDecoder = Callable[[bytes, int, int], tuple[Any, int]]  # the same from a position on, with its length

_original_encode = Struct.encode
_original_decode = Struct.decode.__func__


class _UncompiledTypeError(Exception):
    """A field has a type that is not compiled."""


class Codec(NamedTuple):
    """The compiled functions of one schema."""

    encode: Encoder
    decode: Decoder


class _Part(NamedTuple):
    """Fields of fixed size from `start` to `stop`, and a field of variable length at `stop`; none at the end of a schema."""

    start: int
    stop: int
    layout: struct.Struct  # also of the length
    encode_variable: LengthEncoder | None = None
    decode_variable: LengthDecoder | None = None


def compile_aiokafka_schemas() -> None:
    """Let all messages of the process use compiled schemas; call it once at start."""
    Struct.encode = _encode_struct
    Struct.decode = classmethod(_decode_struct)


def _encode_struct(self: Any) -> Any:
    codec = _find_codec(self.SCHEMA)
    if codec is None:
        return _original_encode(self)
    fields, pieces = self.__dict__, list[bytes]()
    try:
        codec.encode([fields[name] for name in self.SCHEMA.names], pieces)
    except struct.error as error:
        raise ValueError(f"{self!r} cannot be encoded: {error}") from error
    return b"".join(pieces)


def _decode_struct(cls: Any, data: BytesIO | bytes) -> Any:
    codec = _find_codec(cls.SCHEMA)
    if codec is None:
        return _original_decode(cls, data)
    content, position = (data, 0) if isinstance(data, bytes) else (data.getvalue(), data.tell())
    try:
        values, end = codec.decode(content, position)
    except struct.error as error:
        raise ValueError(f"{cls.__name__} ends too early: {error}") from error
    if not isinstance(data, bytes):
        data.seek(end)
    return cls(*values)


@cache  # schemas are constants of aiokafka's modules
def _find_codec(schema: Schema) -> Codec | None:
    try:
        return compile_schema(schema.fields)
    except _UncompiledTypeError:
        return None


def compile_schema(fields: Sequence[Any]) -> Codec:
    """The codec of these fields. Raises _UncompiledTypeError."""
    parts = tuple(_split_fields(fields))
    if len(parts) == 1 and parts[0].encode_variable is None:
        return _compile_fixed(parts[0].layout, len(fields))
    return Codec(_compile_encoder(parts, len(fields)), _compile_decoder(parts))


def _split_fields(fields: Sequence[Any]) -> Iterator[_Part]:
    start, layout = 0, ">"
    for position, field in enumerate(fields):
        if (fixed := FIXED_FORMATS.get(field) if isinstance(field, type) else None) is not None:
            layout += fixed
            continue
        length_format, encode, decode = _compile_variable(field)
        yield _Part(start, position, struct.Struct(layout + length_format), encode, decode)
        start, layout = position + 1, ">"
    if layout != ">" or not fields:
        yield _Part(start, len(fields), struct.Struct(layout))


def _compile_variable(field: Any) -> tuple[str, LengthEncoder, LengthDecoder]:
    if field is Bytes:
        return BYTES_LENGTH, _encode_bytes, _decode_bytes
    if type(field) is String and field.encoding == "utf-8":
        return STRING_LENGTH, _encode_string, _decode_string
    if type(field) is Array:
        return BYTES_LENGTH, *_compile_array(field.array_of)
    raise _UncompiledTypeError(field)


def _compile_fixed(layout: struct.Struct, count: int) -> Codec:
    pack, unpack, size = layout.pack, layout.unpack_from, layout.size

    def encode(values: Sequence[Any], pieces: list[bytes]) -> None:
        _require_count(values, count)
        pieces.append(pack(*values))

    def decode(content: bytes, position: int) -> tuple[tuple[Any, ...], int]:
        return unpack(content, position), position + size

    return Codec(encode, decode)


def _compile_encoder(parts: tuple[_Part, ...], count: int) -> Encoder:
    def encode(values: Sequence[Any], pieces: list[bytes]) -> None:
        _require_count(values, count)
        for start, stop, layout, encode_variable, _ in parts:
            if encode_variable is None:
                pieces.append(layout.pack(*values[start:stop]))
                continue
            index = len(pieces)
            pieces.append(b"")  # the length is known only after the content
            length = encode_variable(values[stop], pieces)
            pieces[index] = layout.pack(*values[start:stop], length)

    return encode


def _compile_decoder(parts: tuple[_Part, ...]) -> Decoder:
    steps = [(part.layout.unpack_from, part.layout.size, part.decode_variable) for part in parts]

    def decode(content: bytes, position: int) -> tuple[tuple[Any, ...], int]:
        values: list[Any] = []
        for unpack, size, decode_variable in steps:
            values += unpack(content, position)
            position += size
            if decode_variable is not None:
                values[-1], position = decode_variable(content, position, values[-1])
        return tuple(values), position

    return decode


def _require_count(values: Sequence[Any], count: int) -> None:
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} fields")


# ---- fields of variable length


def _encode_bytes(value: bytes | None, pieces: list[bytes]) -> int:
    if value is None:
        return NULL
    pieces.append(value)
    return len(value)


def _encode_string(value: Any, pieces: list[bytes]) -> int:
    return _encode_bytes(None if value is None else str(value).encode(), pieces)


def _decode_bytes(content: bytes, position: int, length: int) -> tuple[bytes | None, int]:
    if length < 0:
        return None, position
    end = position + length
    if end > len(content):
        raise ValueError(f"a field of {length} bytes ends after the message")
    return content[position:end], end


def _decode_string(content: bytes, position: int, length: int) -> tuple[str | None, int]:
    value, end = _decode_bytes(content, position, length)
    return None if value is None else value.decode(), end


def _compile_array(item: Any) -> tuple[LengthEncoder, LengthDecoder]:
    """The functions for an array of schemas, or of single fields."""
    is_schema = type(item) is Schema
    fields = item.fields if is_schema else [item]
    parts = tuple(_split_fields(fields))
    if is_schema and len(parts) == 1 and parts[0].encode_variable is None:
        return _compile_fixed_array(parts[0].layout, len(fields))
    encode_item, decode_item = compile_schema(fields)

    def encode(items: Sequence[Any] | None, pieces: list[bytes]) -> int:
        if items is None:
            return NULL
        for values in items if is_schema else ((value,) for value in items):
            encode_item(values, pieces)
        return len(items)

    def decode(content: bytes, position: int, length: int) -> tuple[list[Any] | None, int]:
        if length == NULL:
            return None, position
        items: list[Any] = []
        for _ in range(length):
            values, position = decode_item(content, position)
            items.append(values if is_schema else values[0])
        return items, position

    return encode, decode


def _compile_fixed_array(layout: struct.Struct, count: int) -> tuple[LengthEncoder, LengthDecoder]:
    """The functions for an array of schemas without variable fields."""

    def encode(items: Sequence[Any] | None, pieces: list[bytes]) -> int:
        if items is None:
            return NULL
        for values in items:
            _require_count(values, count)
        pieces += [layout.pack(*values) for values in items]
        return len(items)

    def decode(content: bytes, position: int, length: int) -> tuple[list[Any] | None, int]:
        value, end = _decode_bytes(content, position, length * layout.size)
        return None if value is None else list(layout.iter_unpack(value)), end

    return encode, decode
