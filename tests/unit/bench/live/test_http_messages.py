import pytest

from schemas.channels import ChannelName
from tests.bench.live import http_messages

RESPONSE = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"


def test_a_message_ends_with_its_body() -> None:
    assert http_messages.find_message_end(RESPONSE + b"HTTP/1.1 ") == len(RESPONSE)
    assert [http_messages.find_message_end(RESPONSE[:length]) for length in range(len(RESPONSE))] == [0] * len(RESPONSE)
    assert http_messages.parse_status(RESPONSE) == 202


def test_a_message_without_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        http_messages.find_message_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize("channel", ["webhook", "email"])
def test_a_request_has_its_length_and_the_number(channel: ChannelName) -> None:
    template = http_messages.build_body_template(channel, "high", "http://127.0.0.1:1")
    request = http_messages.build_request_template("127.0.0.1:2", "key%", template) % (17, 17, 17)
    assert http_messages.find_message_end(request) == len(request)
    assert http_messages.parse_number(request) == 17
    assert b"X-API-Key: key%\r\n" in request
    assert 250 < len(template % (17, 17, 17)) < 350


def test_a_key_is_that_of_the_notification() -> None:
    template = http_messages.build_request_template("host", "key", http_messages.build_body_template("email", "", ""), has_key=True)
    assert b"\r\nIdempotency-Key: live-00000017\r\n" in template % (17, 17, 17, 17)


def test_a_request_without_a_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="without the number"):
        http_messages.parse_number(b"POST / HTTP/1.1\r\n\r\n")
