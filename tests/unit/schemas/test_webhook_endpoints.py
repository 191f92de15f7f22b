"""Which types an endpoint takes, and which requests for one are not valid."""

from typing import Any

import msgspec
import pytest

from schemas.profile import EndpointRef
from schemas.webhook_endpoints import EndpointRequest, encode_public_key, find_request_problems, matches_type


@pytest.mark.parametrize(
    ("filters", "type_", "matches"),
    [
        ([], "order.shipped", True),
        (["order.shipped"], "order.shipped", True),
        (["order.shipped"], "order.shipped.late", False),
        (["order.*"], "order.shipped", True),
        (["order.*"], "order.", True),
        (["order.*"], "orders.shipped", False),
        (["order.*"], "order", False),
        (["invoice.paid", "order.*"], "order.shipped", True),
        (["invoice.*"], "", False),
    ],
)
def test_a_filter_takes_a_type_or_all_that_begin_with_it(filters: list[str], type_: str, matches: bool) -> None:
    assert matches_type(filters, type_) is matches


@pytest.mark.parametrize("text", ["", "*", "a b", "*.order", "a**", "a*b", "a" * 200, "a\nb"])
def test_a_text_that_is_no_filter_is_not_decoded(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": "https://a.example.org/", "types": [text]}, EndpointRequest)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"user_id": "u-1"}, []),
        ({"kind": "status", "categories": ["security"], "statuses": ["FAILED"]}, []),
        ({}, ["$.user_id"]),
        ({"kind": "status", "user_id": "u-1"}, ["$.user_id"]),
        ({"user_id": "u-1", "categories": ["security"], "statuses": ["FAILED"]}, ["$.categories", "$.statuses"]),
        ({"user_id": "u-1", "description": "a\0b"}, ["$.description"]),
    ],
)
def test_the_kind_decides_what_an_endpoint_has(changes: dict[str, Any], paths: list[str]) -> None:
    request = EndpointRequest("https://a.example.org/", **changes)
    assert [problem.path for problem in find_request_problems(request)] == paths


def test_a_reference_in_a_profile_is_an_array() -> None:
    assert msgspec.json.decode(b'["whe_1","https://a/",["x"]]', type=EndpointRef) == EndpointRef("whe_1", "https://a/", ["x"])


def test_a_public_key_is_whpk_and_base64() -> None:
    assert (encode_public_key(b"\0" * 3), encode_public_key(b"")) == ("whpk_AAAA", "")
