"""The inbox as JSON: the list in pages, one message with all that was sent."""

from typing import Any

import pytest

from dev.simulators.inbox.message_api import MessageApi
from dev.simulators.inbox.message_store import MessageStore
from dev.simulators.protocol import ServerRequest
from tests.unit.dev.simulators.request_builders import (
    DELIVERY_ID,
    NOW,
    build_fcm_request,
    build_mail,
    build_sendgrid_request,
    build_sms_form,
    build_twilio_request,
    build_webhook_request,
    decode_body,
)

HTML_MAIL = [{"type": "text/plain", "value": "On its way."}, {"type": "text/html", "value": "<p>On its <b>way</b>.</p>"}]
PUSH = {"token": "device-3", "notification": {"title": "Shipped", "body": "On its way"}, "data": {"delivery_id": DELIVERY_ID}}
REQUESTS = {
    "sendgrid": build_sendgrid_request(build_mail(content=HTML_MAIL)),
    "twilio": build_twilio_request(build_sms_form(Body="x" * 1000)),
    "fcm": build_fcm_request(PUSH),
    "webhook": build_webhook_request()._replace(body=b'{"type": "order.shipped"}'),
}


def get(path: bytes = b"/messages", query: bytes = b"", *, checks_signatures: bool = False, requests: Any = REQUESTS) -> Any:
    """The answer of an inbox with one message of each provider."""
    store = MessageStore()
    for provider, request in requests.items():
        store.append(provider, NOW, 202, request)
    return MessageApi(store, checks_signatures=checks_signatures).handle_request(ServerRequest(b"GET", path, query, {}, b""))


def test_the_list_has_the_newest_first_with_their_deliveries() -> None:
    page = decode_body(get())
    assert [(item["number"], item["channel"], item["delivery_id"]) for item in page["items"]] == [
        (4, "webhook", DELIVERY_ID),
        (3, "push", DELIVERY_ID),
        (2, "sms", DELIVERY_ID),
        (1, "email", DELIVERY_ID),
    ]
    assert page["next"] is None
    assert [len(item["text"]) for item in page["items"] if item["channel"] == "sms"] == [300]


def test_pages_follow_each_other_without_a_gap() -> None:
    first = decode_body(get(query=b"limit=3"))
    assert ([item["number"] for item in first["items"]], first["next"]) == ([4, 3, 2], 2)
    second = decode_body(get(query=b"limit=3&before=2"))
    assert ([item["number"] for item in second["items"]], second["next"]) == ([1], None)


@pytest.mark.parametrize(("query", "numbers"), [(b"channel=push", [3]), (b"text=SHIPPED", [4, 3, 1]), (b"text=nothing", [])])
def test_the_list_is_limited_to_a_channel_or_a_text(query: bytes, numbers: list[int]) -> None:
    assert [item["number"] for item in decode_body(get(query=query))["items"]] == numbers


def test_one_message_has_all_of_it() -> None:
    mail = decode_body(get(b"/messages/1"))
    assert (mail["html"], mail["text"], mail["signature"]) == ("<p>On its <b>way</b>.</p>", "On its way.", "none")
    assert len(decode_body(get(b"/messages/2"))["text"]) == 1000
    hook = decode_body(get(b"/messages/4"))
    assert hook["body"] == '{"type": "order.shipped"}'  # as it was signed, not as it is shown
    assert {"name": "webhook-id", "value": DELIVERY_ID} in hook["details"]


@pytest.mark.parametrize(
    ("headers", "query", "checks", "expected"),
    [
        ({}, b"", True, "none"),
        ({b"webhook-signature": b"v1,abc"}, b"", True, "unchecked"),
        ({b"webhook-signature": b"v1,abc"}, b"user=u-1", True, "valid"),  # a wrong one does not arrive
        ({b"webhook-signature": b"v1,abc"}, b"user=u-1", False, "unchecked"),
    ],
)
def test_it_says_whether_a_webhook_is_signed(headers: dict[bytes, bytes], query: bytes, checks: bool, expected: str) -> None:
    hook = build_webhook_request()
    other = {name: value for name, value in hook.headers.items() if name != b"webhook-signature"}
    requests = {"webhook": hook._replace(headers={**other, **headers}, query=query)}
    assert decode_body(get(b"/messages/1", requests=requests, checks_signatures=checks))["signature"] == expected


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (b"/messages/99", b"", 404),
        (b"/messages/x", b"", 404),
        (b"/messages/\xb2", b"", 404),
        (b"/messages", b"limit=x", 400),
        (b"/messages", b"before=-1", 400),
    ],
)
def test_a_wrong_request_gets_an_error(path: bytes, query: bytes, status: int) -> None:
    response = get(path, query)
    assert response.status == status
    assert decode_body(response)["error"]
