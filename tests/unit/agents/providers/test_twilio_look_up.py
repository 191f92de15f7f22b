"""The question whether Twilio has a message, asked of the simulator, and what is concluded from its answers."""

from email.utils import formatdate
from typing import Any

import httptools
import msgspec
import pytest

from agents.providers.twilio import Twilio
from agents.providers.twilio_look_up import CLOCK_MARGIN, PAGE_SIZE, compute_body_hash
from dev.simulators.protocol import InvalidRequest, ResponseContext, ServerRequest, ValidRequest
from dev.simulators.stubs import DEFAULT_STUB, Fault, Stub
from dev.simulators.twilio import TwilioSimulator
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Status
from schemas.http import HttpRequest, HttpResponse, MaybeSent
from schemas.outcome import Found, LookUpFailed, LookUpResult, NotFound, SearchableProvider
from tests.delivery_builders import NOW, build_delivery

ACCOUNT_SID = "AC00000000000000000000000000000017"
TWILIO = Twilio("https://api.twilio.com/base", ACCOUNT_SID, "SK17", "secret", "+15005550006")
LOOK_UP = TWILIO.look_up
DELIVERY = build_delivery("sms", content=SmsContent("Your code: “17” – see https://a.example"))


class HttpReader:
    """A request as a server reads it."""

    def __init__(self, request: HttpRequest) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.url, self.is_complete = b"", False
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(request.head + request.body)
        self.method = parser.get_method()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_message_complete(self) -> None:
        self.is_complete = True


class Account:
    """A simulated account that messages are sent to and that is asked for them."""

    def __init__(self) -> None:
        self.simulator, self.number = TwilioSimulator(), 0

    def send(self, delivery: Delivery, at: float = NOW, stub: Stub = DEFAULT_STUB) -> None:
        request = TWILIO.build_request(delivery, 0, at)
        assert isinstance(request, HttpRequest)
        self._exchange(request, at, stub)

    def ask(self, delivery: Delivery = DELIVERY, since: float = NOW, at: float = NOW + 20) -> LookUpResult:
        return LOOK_UP.parse_result(delivery, since, self._exchange(LOOK_UP.build_request(delivery, since), at, DEFAULT_STUB))

    def _exchange(self, request: HttpRequest, at: float, stub: Stub) -> HttpResponse:
        read, self.number = HttpReader(request), self.number + 1
        assert read.is_complete
        path, _, query = read.url.removeprefix(b"/base").partition(b"?")
        parsed = self.simulator.parse_request(ServerRequest(read.method, path, query, read.headers, request.body))
        if isinstance(parsed, InvalidRequest):
            return HttpResponse(parsed.response.status, {}, parsed.response.body)
        assert isinstance(parsed, ValidRequest)
        context = ResponseContext(at, formatdate(at, usegmt=True).encode(), self.number)
        response = self.simulator.build_response(parsed.details, stub, context)
        return HttpResponse(response.status, {}, response.body)


def answer(*messages: dict[str, Any], **page: Any) -> LookUpResult:
    """What follows from a list of messages; each is one of the delivery unless it says otherwise."""
    own = {"sid": "SM1", "status": "queued", "body": DELIVERY.content.text, "date_created": formatdate(NOW)}  # type: ignore[union-attr]
    body = msgspec.json.encode({"messages": [own | message for message in messages], **page})
    return LOOK_UP.parse_result(DELIVERY, NOW, HttpResponse(200, {}, body))


def test_a_message_that_was_taken_is_found_with_its_id() -> None:
    account = Account()
    account.send(build_delivery("sms", number=2, content=SmsContent("another text")))
    account.send(DELIVERY, stub=Stub(fault=Fault.DROP))
    account.send(build_delivery("sms", number=3, address="+43660999999", content=DELIVERY.content))
    assert account.ask() == Found(Status.SENT, f"SM{2:032x}")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.RESET])
def test_a_message_that_was_not_taken_is_not_found(fault: Fault) -> None:
    account = Account()
    account.send(DELIVERY, stub=Stub(fault=fault))
    account.send(build_delivery("sms", number=2, address="+43660999999", content=DELIVERY.content))
    assert account.ask() == NotFound()


def test_the_same_text_of_an_hour_ago_is_another_message() -> None:
    account = Account()
    account.send(DELIVERY, at=NOW - 3600)
    assert account.ask() == NotFound()
    account.send(DELIVERY, at=NOW - CLOCK_MARGIN + 1)  # a clock that is a little behind
    assert isinstance(account.ask(), Found)


def test_credentials_that_are_rejected_say_nothing_of_the_message() -> None:
    account = Account()
    revoked = Twilio("https://api.twilio.com/base", ACCOUNT_SID, "SK17", "revoked", "+15005550006").look_up
    result = account._exchange(revoked.build_request(DELIVERY, NOW), NOW, DEFAULT_STUB)
    assert revoked.parse_result(DELIVERY, NOW, result) == LookUpFailed("Twilio answered 401 when it was asked for the message")


def test_the_question_is_a_get_without_a_body() -> None:
    request = LOOK_UP.build_request(DELIVERY, NOW + 0.9)
    path, query = (
        f"/base/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json",
        "To=%2B491701234567&DateSent%3E=2025-10-09T08%3A52%3A20Z&PageSize=20",
    )
    assert request.head.startswith(f"GET {path}?{query} HTTP/1.1\r\nHost: api.twilio.com\r\n".encode())
    assert (request.origin, request.body) == ("https://api.twilio.com:443", b"")
    assert HttpReader(request).headers[b"authorization"] == b"Basic U0sxNzpzZWNyZXQ="


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"status": "accepted"}, Found(Status.SENT, "SM1")),
        ({"status": "sent"}, Found(Status.SENT, "SM1")),
        ({"status": "delivered"}, Found(Status.DELIVERED, "SM1")),
        ({"status": "read"}, Found(Status.DELIVERED, "SM1")),
        ({"status": "undelivered", "error_code": 30005}, Found(Status.BOUNCED, "SM1", 30005, "bounced")),
        ({"status": "failed", "error_code": 30007}, Found(Status.FAILED, "SM1", 30007, "undelivered")),
        ({"status": "failed", "error_code": None}, Found(Status.FAILED, "SM1", 0, "undelivered")),
        ({"status": "canceled"}, Found(Status.FAILED, "SM1", 0, "canceled")),
        ({"date_created": "no date"}, Found(Status.SENT, "SM1")),
        ({"sid": "SM\u0000"}, Found(Status.SENT, "")),
    ],
)
def test_its_status_is_that_of_the_message(message: dict[str, Any], found: Found) -> None:
    assert answer({"body": "another"}, message) == found


@pytest.mark.parametrize("message", [{"body": "another"}, {"direction": "inbound"}, {"date_created": formatdate(NOW - 61)}])
def test_other_messages_are_not_it(message: dict[str, Any]) -> None:
    assert answer(message) == NotFound()


def test_a_status_that_is_new_is_no_answer() -> None:
    assert isinstance(answer({"status": "teleported"}), LookUpFailed)


def test_more_messages_than_a_page_are_no_answer_unless_the_page_goes_back_to_the_call() -> None:
    others: list[dict[str, Any]] = [{"body": str(number)} for number in range(PAGE_SIZE)]
    assert isinstance(answer(*others, next_page_uri="/next"), LookUpFailed)
    assert answer(*others, {"body": "x", "date_created": formatdate(NOW - 61)}, next_page_uri="/next") == NotFound()
    account = Account()
    account.send(DELIVERY)
    for number in range(PAGE_SIZE + 1):
        account.send(build_delivery("sms", number=number, content=SmsContent(f"another {number}")))
    assert isinstance(account.ask(), LookUpFailed)


@pytest.mark.parametrize(
    "result",
    [HttpResponse(503, {}, b""), HttpResponse(200, {}, b"<html>"), HttpResponse(200, {}, b'{"messages":[{"sid":"SM'), MaybeSent("cut")],
)
def test_no_list_is_no_answer(result: HttpResponse | MaybeSent) -> None:
    assert isinstance(LOOK_UP.parse_result(DELIVERY, NOW, result), LookUpFailed)


def test_the_text_is_compared_as_twilio_encodes_it() -> None:
    assert compute_body_hash("“a” – b…") == compute_body_hash('"a" - b...')
    assert compute_body_hash("a") != compute_body_hash("b")
    assert compute_body_hash("\ud800")  # no text is an error


def test_the_provider_offers_the_look_up() -> None:
    assert isinstance(TWILIO, SearchableProvider)
