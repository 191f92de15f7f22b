"""POST /v1/notifications without the framework: its responses, which are those of the framework for another spelling of the path."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from app.api.middleware import Message, Receive, Scope, Send
from app.api.security_headers import DEFAULT_HEADERS
from app.api.submission_app import PATH, SubmissionRouter, decode_key
from tests.unit.app.api.harness import API_KEY, GatewayHarness, make_notification_id
from tests.unit.app.api.resources.test_docs import fetch_openapi_document

BODY_LIMIT = 400
SUBMISSION = {"user_id": "u-42", "type": "order.shipped"}
VALID = json.dumps(SUBMISSION).encode()
KEY_HEADER = (b"idempotency-key", b"k")
REQUEST_ID = (b"x-request-id", b"r-1")


class Exchange(NamedTuple):
    """A request, in which an empty list of chunks stands for a client that closes the connection, and what it is answered with."""

    status: int
    chunks: Sequence[bytes]
    headers: Sequence[tuple[bytes, bytes]] = ()
    is_kafka_down: bool = False


EXCHANGES = {
    "accepted": Exchange(202, [VALID]),
    "in chunks": Exchange(202, [VALID[:9], b"", VALID[9:]]),
    "with a key": Exchange(202, [VALID], [KEY_HEADER]),
    "with two keys": Exchange(202, [VALID], [(b"idempotency-key", b"a"), KEY_HEADER]),
    "with a key in UTF-8": Exchange(202, [VALID], [(b"idempotency-key", "\u00e4".encode())]),
    "with an empty key": Exchange(400, [VALID], [(b"idempotency-key", b"")]),
    "with a long key": Exchange(400, [VALID], [(b"idempotency-key", b"k" * 201)]),
    "with the key of a request in progress": Exchange(409, [VALID], [(b"idempotency-key", b"busy")]),
    "with the key of another request": Exchange(422, [VALID], [(b"idempotency-key", b"used")]),
    "without the API key": Exchange(401, [VALID], [(b"x-api-key", b"wrong")]),
    "with a large Content-Length": Exchange(413, [VALID], [(b"content-length", b"401")]),
    "too large": Exchange(413, [b" " * 200, b" " * 201]),
    "empty": Exchange(422, [b""]),
    "not JSON": Exchange(422, [b"{"]),
    "an invalid field": Exchange(422, [b'{"user_id": "u", "type": "order.shipped", "to": {"email": ["a@x.org", "b"]}}']),
    "unconfirmed": Exchange(503, [VALID], is_kafka_down=True),
    "disconnected": Exchange(400, []),
    "invalid Host": Exchange(400, [VALID], [(b"host", b"a b")]),
    "a Host in brackets": Exchange(202, [VALID], [(b"host", b"[::1]:80")]),
}


class BusyResponses:
    """Idempotent responses of a gateway for which the request with the key `busy` is in progress."""

    def __init__(self, harness: GatewayHarness) -> None:
        harness.idempotent_responses.responses["used"] = ("other", None)
        self._responses = harness.idempotent_responses

    async def acquire_key(self, key: str, request_hash: str) -> Any:
        if key == "busy":
            self._responses.responses[key] = (request_hash, None)
        return await self._responses.acquire_key(key, request_hash)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._responses, name)


async def send_request(app: Any, exchange: Exchange, path: str = PATH, method: str = "POST") -> list[Message]:
    """The messages of the app's response."""
    headers = [*exchange.headers, (b"x-api-key", API_KEY.encode()), REQUEST_ID]
    scope = {"type": "http", "scheme": "http", "method": method, "path": path, "headers": headers, "query_string": b"", "state": {}}
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(exchange.chunks)}
        for number, chunk in enumerate(exchange.chunks, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def answer(exchange: Exchange, path: str) -> tuple[list[Message], list[Any]]:
    """The response of a new gateway, and the notifications that it published."""
    harness = GatewayHarness()
    harness.publisher.error = "down" if exchange.is_kafka_down else ""
    harness.idempotent_responses = BusyResponses(harness)  # type: ignore[assignment]
    response = asyncio.run(send_request(harness.build_app(BODY_LIMIT), exchange, path))
    return response, harness.publisher.decode_notifications()


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_framework_answers_the_same_for_another_spelling_of_the_path(name: str) -> None:
    exchange = EXCHANGES[name]
    response, notifications = answer(exchange, PATH)
    assert response[0]["status"] == exchange.status
    assert (response, notifications) == answer(exchange, PATH + "/")


def test_the_response_has_these_bytes() -> None:
    body = b'{"id":"%b","priority":"low","status":"accepted"}' % make_notification_id(1).encode()
    start, end = answer(EXCHANGES["accepted"], PATH)[0]
    assert start["headers"] == [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        REQUEST_ID,
        *DEFAULT_HEADERS,
    ]
    assert end["body"] == body
    start, end = answer(EXCHANGES["unconfirmed"], PATH)[0]
    assert start["headers"] == [
        (b"retry-after", b"2"),
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(end["body"])),
        REQUEST_ID,
        *DEFAULT_HEADERS,
    ]


def test_its_responses_are_documented() -> None:
    documented = fetch_openapi_document()["paths"][PATH]["post"]
    undocumented = {exchange.status for exchange in EXCHANGES.values()} - {int(status) for status in documented["responses"]}
    assert undocumented == set()
    assert documented["parameters"] == [{"$ref": "#/components/parameters/IdempotencyKey"}]


def test_an_unexpected_error_is_a_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    harness = GatewayHarness()
    harness.policy_reader = None  # type: ignore[assignment]
    caplog.set_level("INFO", "herold")
    start, end = asyncio.run(send_request(harness.build_app(), EXCHANGES["accepted"]))
    assert (start["status"], json.loads(end["body"])["type"]) == (500, "/docs#internal")
    (record,) = (record for record in caplog.records if record.name == "herold")
    assert record.__dict__["fields"]["error"] == "AttributeError"


@pytest.mark.parametrize(
    ("path", "method", "host", "calls_framework"),
    [
        (PATH, "POST", b"herold.example.org:8080", False),
        (PATH, "POST", b"127.0.0.1", False),
        (PATH, "POST", b"a/b", True),
        (PATH, "GET", b"h", True),
        (PATH + "/bulk", "POST", b"h", True),
        (PATH + "/", "POST", b"h", True),
    ],
)
async def test_only_a_submission_with_the_usual_path_and_host_passes_the_framework_by(
    path: str, method: str, host: bytes, calls_framework: bool
) -> None:
    calls = []

    async def submission_app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(False)

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(True)

    await send_request(SubmissionRouter(submission_app, framework), Exchange(0, [], [(b"host", host)]), path, method)
    assert calls == [calls_framework]


@pytest.mark.parametrize(("header", "key"), [(None, None), (b"k-1", "k-1"), ("ä".encode(), "ä"), ("ä".encode("latin-1"), "ä")])
def test_a_key_is_utf_8_or_latin_1(header: bytes | None, key: str | None) -> None:
    assert decode_key(header) == key
