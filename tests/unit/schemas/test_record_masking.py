"""What people see of a record by default: its shape, without what it says and where it goes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.record_masking import mask_bytes, mask_value

CANARY = "canary7181"
leaves = st.sampled_from([CANARY, 7181, f"{CANARY}@example.org", None, True])
bodies = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3))


@given(bodies, st.sampled_from(["content", "data", "to", "address"]), st.booleans())
def test_no_text_or_number_of_a_body_or_address_is_shown(body: Any, field: str, is_nested: bool) -> None:
    value = {"id": "x", field: body}
    shown = repr(mask_value({"payload": value} if is_nested else [value]))
    assert CANARY not in shown
    assert "7181" not in shown


def test_the_shape_and_what_is_not_personal_stay() -> None:
    value = {"type": "order.shipped", "attempt": 2, "data": {"name": "Ada", "items": [1, None]}, "note": "write to ada@example.org"}
    assert mask_value(value) == {
        "type": "order.shipped", "attempt": 2, "data": {"name": "<3 characters>", "items": ["<number>", None]},
        "note": "write to a***@example.org",
    }  # fmt: skip


@given(st.binary(max_size=64))
def test_masked_bytes_have_the_same_length_and_no_ascii_name_but_x(data: bytes) -> None:
    masked = mask_bytes(data)
    assert len(masked) == len(data)
    assert not set(masked) & set(b"0123456789abcABC")


@given(st.text(st.characters(categories=["L", "M", "N"]), max_size=16))
def test_no_text_of_any_script_is_shown(name: str) -> None:
    assert set(mask_bytes(name.encode())) <= {ord("x")}


def test_bytes_that_are_no_text_stay() -> None:
    assert mask_bytes("Пётр\n".encode() + b"\xff{\xe2\x82") == b"xxxxxxxx\n\xff{\xe2\x82"
