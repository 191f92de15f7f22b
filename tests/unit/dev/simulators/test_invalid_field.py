from typing import Any

import msgspec
import pytest

from dev.simulators.invalid_field import parse_validation_error


class InnerBody(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class OuterBody(msgspec.Struct):
    inner: list[InnerBody]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"inner": [{"a": "x"}]}, "inner[0].a"),
        ({"inner": [{}]}, "inner[0].a"),
        ({"inner": [{"a": 1, "b": 2}]}, "inner[0].b"),
        ({}, "inner"),
        ([], ""),
    ],
)
def test_the_place(body: Any, place: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(body, OuterBody)
    assert parse_validation_error(str(caught.value)).field_path == place
