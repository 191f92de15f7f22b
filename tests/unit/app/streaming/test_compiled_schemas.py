"""Compiled schemas write and read the same bytes as aiokafka's own, for every message that aiokafka knows."""

import pkgutil
import random
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import Any

import aiokafka.protocol
import pytest
from aiokafka.protocol.struct import Struct
from aiokafka.protocol.types import Array, Boolean, Bytes, Float64, Int8, Int16, Int32, Int64, Schema, String, UInt32

from app.streaming import compiled_schemas
from app.streaming.compiled_schemas import Codec, compile_schema

BITS = {Int8: 8, Int16: 16, Int32: 32, Int64: 64}


def _import_messages() -> list[type[Struct]]:
    for module in pkgutil.iter_modules(aiokafka.protocol.__path__, "aiokafka.protocol."):
        import_module(module.name)
    return sorted(_list_subclasses(Struct), key=lambda cls: f"{cls.__module__}.{cls.__name__}")


def _list_subclasses(parent: type[Struct]) -> Iterator[type[Struct]]:
    for cls in parent.__subclasses__():
        yield cls
        yield from _list_subclasses(cls)


def _compile(message: type[Struct]) -> Codec | None:
    if any("decode" in vars(cls) for cls in message.__mro__[:-2]):  # that of aiokafka's old record format
        return None
    try:
        return compile_schema(message.SCHEMA.fields)
    except compiled_schemas._UncompiledTypeError:
        return None


CODECS = {message: codec for message in _import_messages() if (codec := _compile(message))}


def _make_value(field: Any, random_: random.Random) -> Any:
    if field in BITS:
        return random_.choice([0, -1, random_.randrange(-(1 << BITS[field] - 1), 1 << BITS[field] - 1)])
    if isinstance(field, Schema):
        return tuple(_make_value(inner, random_) for inner in field.fields)
    if isinstance(field, Array):
        return random_.choice([None, [_make_value(field.array_of, random_) for _ in range(random_.randrange(4))]])
    if isinstance(field, String):
        return random_.choice([None, "", "topic", "Grüße", "x" * 300])
    return random_.choice({Bytes: [None, b"", b"\x00\xff" * 9], UInt32: [0, 2**32 - 1], Float64: [0.5], Boolean: [True, False]}[field])


def _make_messages(message: type[Struct]) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """Values of a message, each with the bytes that aiokafka's own schema makes of them."""
    random_ = random.Random(message.__name__)
    for _ in range(8):
        values = tuple(_make_value(field, random_) for field in message.SCHEMA.fields)
        yield values, message.SCHEMA.encode(values)


def _encode(codec: Codec, values: Any) -> bytes:
    pieces: list[bytes] = []
    codec.encode(values, pieces)
    return b"".join(pieces)


def test_the_frequent_messages_are_compiled() -> None:
    names = {message.__name__.rstrip("0123456789").removesuffix("_v") for message in CODECS}
    assert names >= {"FetchRequest", "FetchResponse", "ProduceRequest", "ProduceResponse", "HeartbeatRequest", "HeartbeatResponse"}
    assert names >= {
        "OffsetCommitRequest",
        "OffsetCommitResponse",
        "MetadataRequest",
        "MetadataResponse",
        "RequestHeader",
        "ResponseHeader",
    }


@pytest.mark.parametrize("message", CODECS, ids=lambda message: message.__name__)
def test_a_message_has_the_same_bytes_and_values(message: type[Struct]) -> None:
    codec = CODECS[message]
    for values, content in _make_messages(message):
        assert _encode(codec, values) == content
        assert codec.decode(b"before" + content + b"after", 6) == (values, 6 + len(content))
        assert message.SCHEMA.decode(BytesIO(content)) == values


@pytest.mark.parametrize("message", CODECS, ids=lambda message: message.__name__)
def test_a_message_that_ends_too_early_raises_the_same_error(message: type[Struct]) -> None:
    compiled_schemas.compile_aiokafka_schemas()
    for _, content in _make_messages(message):
        if content:
            for decode in (message.decode, message.SCHEMA.decode):
                with pytest.raises(ValueError, match=r"."):
                    decode(BytesIO(content[: random.Random(len(content)).randrange(len(content))]))


class _Pair(Struct):
    SCHEMA = Schema(("number", Int16), ("name", String()))


def test_a_message_of_aiokafka_is_encoded_and_decoded_by_its_compiled_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_schemas.compile_aiokafka_schemas()
    monkeypatch.setattr(Schema, "encode", None)
    monkeypatch.setattr(String, "decode", None)
    content = _Pair(5, "five").encode()
    stream = BytesIO(content + b"next")
    assert _Pair.decode(content) == _Pair.decode(stream) == _Pair(5, "five")
    assert stream.read() == b"next"


@pytest.mark.parametrize("pair", [_Pair(2**15, "x"), _Pair("5", "x"), _Pair(None, "x"), _Pair(5, "x" * 2**15)])
def test_a_value_that_does_not_fit_is_a_value_error(pair: _Pair) -> None:
    compiled_schemas.compile_aiokafka_schemas()
    with pytest.raises(ValueError, match="_Pair"):
        pair.encode()


def test_an_item_with_too_many_values_is_a_value_error() -> None:
    for second in (String(), Int8):
        codec = compile_schema([Array(("number", Int32), ("second", second))])
        for items in ([(1, "x", 2)], [(1,)]):
            with pytest.raises(ValueError, match="2 fields"):
                codec.encode([items], [])
    with pytest.raises(ValueError, match="1 fields"):
        compile_schema([Int32]).encode([1, 2], [])
