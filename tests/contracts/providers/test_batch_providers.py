"""What every provider that takes several deliveries in one call makes of them: as if each had gone alone, at the simulator, too."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from agents.providers.sendgrid import SendGrid
from dev.simulators.protocol import InvalidRequest, ServerRequest
from dev.simulators.sendgrid import SendGridSimulator
from schemas.attachments import Attachment
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.email_options import EmailOptions
from schemas.enums import Outcome, Reason
from schemas.http import HttpRequest, HttpResponse, MaybeSent, NotSent
from schemas.outcome import AttemptResult, BatchProvider, BatchResult, NumberedDelivery, Provider
from tests.contracts.providers.provider_cases import PROVIDER_CASES
from tests.delivery_builders import NOW, build_delivery

OPTIONS = EmailOptions("answers@example.org", {"X-Campaign": "spring"}, categories=["news"], custom_args={"department": "shop"})
CONTENTS = {
    "plain": EmailContent("Your order", "It is on its way."),
    "html": EmailContent("Your order", "It is on its way.", "<p>It is on its way.</p>"),
    "options": EmailContent("Your order", "It is on its way.", options=OPTIONS),
    "files": EmailContent("Your order", "It is on its way.", attachments=[Attachment("a.pdf", "application/pdf", "JVBERg==")]),
    "links": EmailContent("Your order", "It is on its way.", list_unsubscribe="<https://herold.example.org/u/x>", options=OPTIONS),
    "template": EmailContent("", "", template_id="d-" + "1" * 32, data={"name": "Ada"}),
}


class BatchCase(NamedTuple):
    """A provider, how to read what each recipient gets from a request, and the simulator's judgement of it."""

    provider: Any
    read: Callable[[HttpRequest], list[dict[str, Any]]]
    judge: Callable[[HttpRequest], object]


def read_mails(request: HttpRequest) -> list[dict[str, Any]]:
    """A mail for each personalization, in which it says itself what the call says for all."""
    mail = json.loads(request.body)
    shared = {name: value for name, value in mail.items() if name != "personalizations"}
    mails = []
    for person in mail["personalizations"]:
        own = {name: value for name, value in person.items() if name in ("subject", "headers")}
        rest = {name: value for name, value in person.items() if name not in own}
        mails.append({**shared, **own, "personalizations": [rest]})
    return mails


def judge(request: HttpRequest) -> object:
    lines = request.head.decode().split("\r\n")
    headers = {name.lower().encode(): value.encode() for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    return SendGridSimulator(lambda: NOW).parse_request(ServerRequest(b"POST", b"/v3/mail/send", b"", headers, request.body))


CASES = {
    "sendgrid": BatchCase(SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", "The Shop"), read_mails, judge),
    "sendgrid in the sandbox": BatchCase(
        SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", is_sandbox=True), read_mails, judge
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> BatchCase:
    return CASES[request.param]


def build_many(content: EmailContent, count: int = 3) -> list[NumberedDelivery]:
    deliveries = [build_delivery("email", n, address=f"n{n}@example.org", content=content, redrive_count=n % 2) for n in range(count)]
    return [NumberedDelivery(one, number) for number, one in enumerate(deliveries)]


def build_batch(case: BatchCase, many: Sequence[NumberedDelivery]) -> HttpRequest:
    request = case.provider.build_batch_request(many, NOW)
    assert isinstance(request, HttpRequest)
    return request


def test_the_providers_that_take_several_are_these() -> None:
    batch_providers = {name for name, one in PROVIDER_CASES.items() if isinstance(one.provider, BatchProvider)}
    assert batch_providers == {"sendgrid"}
    assert all(isinstance(case.provider, BatchProvider) for case in CASES.values())
    provider: Provider = CASES["sendgrid"].provider
    assert provider.name == "sendgrid"


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_each_gets_what_a_call_of_its_own_would_send(case: BatchCase, content: EmailContent) -> None:
    many = build_many(content)
    mails = case.read(build_batch(case, many))
    alone = [case.read(case.provider.build_request(one.delivery, one.attempt, NOW))[0] for one in many]
    assert mails == alone


@pytest.mark.parametrize("count", [2, 500, 1000])
def test_the_simulator_takes_each_recipient(case: BatchCase, count: int) -> None:
    many = build_many(CONTENTS["html"], count)
    judged: Any = case.judge(build_batch(case, many))
    assert not isinstance(judged, InvalidRequest), judged.response
    assert [(target.delivery_id, target.address) for target in judged.targets] == [(one.delivery.id, one.delivery.address) for one in many]


def test_more_than_the_vendor_takes_are_rejected_by_the_simulator(case: BatchCase) -> None:
    assert isinstance(case.judge(build_batch(case, build_many(CONTENTS["plain"], 1001))), InvalidRequest)


def test_the_same_is_the_same_request(case: BatchCase) -> None:
    first, second = (build_batch(case, build_many(CONTENTS["links"])) for _ in range(2))
    assert first == second


def test_what_one_address_makes_impossible_is_no_request(case: BatchCase) -> None:
    for address in PROVIDER_CASES["sendgrid"].invalid_addresses:
        many = [*build_many(CONTENTS["plain"]), NumberedDelivery(build_delivery("email", 9, address=address), 0)]
        assert isinstance(case.provider.build_batch_request(many, NOW), AttemptResult), address


def build_changed(**changes: Any) -> Delivery:
    fields = {"subject": "Your order", "text": "It is on its way.", "html": "<p>It is on its way.</p>", **changes}
    return build_delivery("email", 2, address="b@example.org", content=EmailContent(**fields))


@pytest.mark.parametrize(
    ("changes", "goes_together"),
    [
        ({}, True),
        ({"subject": "Another one"}, True),
        ({"list_unsubscribe": "<https://herold.example.org/u/y>"}, True),
        ({"text": "It is on its w_y."}, False),
        ({"text": "It is on its way!!"}, False),
        ({"html": "<p>It is on its w_y.</p>"}, False),
        ({"html": ""}, False),
        ({"options": OPTIONS}, False),
        ({"options": EmailOptions(cc=["a@example.org"])}, False),
        ({"attachments": [Attachment("a.pdf", "application/pdf", "JVBERg==")]}, False),
        ({"subject": "", "text": "", "html": "", "template_id": "d-" + "1" * 32}, False),
    ],
)
def test_what_differs_in_more_than_the_recipient_goes_apart(case: BatchCase, changes: dict[str, Any], goes_together: bool) -> None:
    first, other = build_changed(), build_changed(**changes)
    key, other_key = case.provider.get_batch_key(first), case.provider.get_batch_key(other)
    assert (key is not None and key == other_key and case.provider.has_same_content(first, other)) is goes_together


def test_copies_and_contents_of_other_channels_go_alone(case: BatchCase) -> None:
    assert case.provider.get_batch_key(build_changed(options=EmailOptions(bcc=["archive@example.org"]))) is None
    assert case.provider.get_batch_key(build_delivery("email", content=build_delivery("sms").content)) is None


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (HttpResponse(401, {}, b""), Outcome.REJECTED_PERMANENT),
        (HttpResponse(429, {b"retry-after": b"7"}, b""), Outcome.THROTTLED),
        (HttpResponse(503, {}, b""), Outcome.UNKNOWN),
        (NotSent("refused"), Outcome.NOT_SENT),
        (MaybeSent("closed"), Outcome.UNKNOWN),
    ],
)
def test_other_answers_mean_what_they_mean_for_one(case: BatchCase, response: Any, outcome: Outcome) -> None:
    assert case.provider.parse_batch_result(response, 3, NOW) == BatchResult(case.provider.parse_result(response, NOW))
    assert case.provider.parse_result(response, NOW).outcome is outcome


def reject(*fields: str | None) -> HttpResponse:
    return HttpResponse(400, {}, json.dumps({"errors": [{"field": field} for field in fields]}).encode())


@pytest.mark.parametrize(
    "response", [HttpResponse(413, {}, b""), HttpResponse(400, {}, b"no JSON"), reject(None), reject("subject", "content")]
)
def test_a_rejection_that_names_nobody_splits_the_call(case: BatchCase, response: HttpResponse) -> None:
    result = case.provider.parse_batch_result(response, 3, NOW)
    assert (result.is_split, result.rejected) == (True, {})


def test_a_rejection_of_what_all_share_is_one_of_each(case: BatchCase) -> None:
    result = case.provider.parse_batch_result(reject("content.0.value", "from.email"), 3, NOW)
    assert (result.is_split, result.rejected, result.result.outcome) == (False, {}, Outcome.REJECTED_PERMANENT)


def test_a_rejection_names_those_that_it_is_about(case: BatchCase) -> None:
    result = case.provider.parse_batch_result(reject("personalizations.1.to.0.email", "personalizations.12.headers"), 13, NOW)
    assert [(number, one.outcome, one.reason) for number, one in result.rejected.items()] == [
        (1, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
        (12, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
    ]
    assert "personalizations.12.headers" in result.rejected[12].detail
    assert not result.is_split
