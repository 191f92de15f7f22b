from typing import Any

import msgspec
import pytest

from twins.misfits import misfit_of


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    a: int


class Outer(msgspec.Struct):
    inner: list[Inner]


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
        msgspec.convert(body, Outer)
    assert misfit_of(str(caught.value)).place == place
