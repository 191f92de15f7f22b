"""What clients ask for."""

import msgspec
import pytest

from app.api.live.filters import LiveFilter
from app.api.live.requests import LiveRequest, build_request, decode_request


def test_a_message_and_a_query_say_the_same() -> None:
    message = '{"filter": {"channels": ["email", "sms"], "user_id": "u"}, "cursor": "0:1", "sampling": false}'
    query = {"channels": ["email", "sms"], "user_id": ["u"], "cursor": ["0:1"]}
    expected = LiveRequest(LiveFilter(channels=("email", "sms"), user_id="u"), "0:1", sampling=False)
    assert decode_request(message) == build_request(query, "") == expected


def test_the_id_of_the_last_event_is_newer_than_the_cursor_of_the_address() -> None:
    assert build_request({"cursor": ["0:1"]}, "0:7").cursor == "0:7"


@pytest.mark.parametrize(
    "message", ["", "[]", '{"filters": {}}', '{"filter": {"channel": "email"}}', '{"filter": {"channels": ["fax"]}}', '{"cursor": 1}']
)
def test_a_message_with_a_mistake_names_the_field(message: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_request(message)


@pytest.mark.parametrize("query", [{"chanels": ["email"]}, {"channels": ["fax"]}, {"sampling": ["perhaps"]}, {"types": ["x"] * 21}])
def test_a_query_with_a_mistake_is_refused(query: dict[str, list[str]]) -> None:
    with pytest.raises(msgspec.ValidationError):
        build_request(query, "")
