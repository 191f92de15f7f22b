from typing import Any

import msgspec
import pytest

from dev.simulators.invalid_field import parse_validation_error


class InnerBody(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class OuterBody(msgspec.Struct):
    inner: list[InnerBody]


@pytest.mark.parametrize(
    ("body", "field_path"),
    [
        ({"inner": [{"a": "x"}]}, "inner[0].a"),
        ({"inner": [{}]}, "inner[0].a"),
        ({"inner": [{"a": 1, "b": 2}]}, "inner[0].b"),
        ({}, "inner"),
        ([], ""),
    ],
)
def test_the_path_of_the_field(body: Any, field_path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error_info:
        msgspec.convert(body, OuterBody)
    assert parse_validation_error(str(error_info.value)).field_path == field_path
