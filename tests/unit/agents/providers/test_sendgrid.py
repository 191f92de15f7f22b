"""SendGrid: the mail as SendGrid's own helpers build it, and its table of codes."""

import json

import pytest
from msgspec.structs import replace
from sendgrid.helpers.mail import Content, CustomArg, From, Mail, Personalization, To

from agents.providers.sendgrid import SendGrid
from agents.providers.sendgrid_content import replace_line_breaks
from schemas.content import EmailContent
from schemas.enums import Outcome, Reason
from schemas.http import HttpRequest, HttpResponse
from tests.delivery_builders import NOW, build_delivery

SENDGRID = SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", "The Shop")


def build_mail(**changes: object) -> dict[str, object]:
    request = SENDGRID.build_request(build_delivery("email", **changes), 2, NOW)
    assert isinstance(request, HttpRequest)
    return json.loads(request.body)


def build_with_sendgrid(content: EmailContent) -> dict[str, object]:
    delivery = build_delivery("email", redrive_count=1)
    theirs = Mail(from_email=From("shop@example.org", "The Shop"), subject=content.subject)
    to = Personalization()
    to.add_to(To(delivery.address))
    to.add_custom_arg(CustomArg("delivery_id", delivery.id))
    to.add_custom_arg(CustomArg("delivery_attempt", "2"))
    to.add_custom_arg(CustomArg("redrive_count", "1"))
    theirs.add_personalization(to)
    theirs.add_content(Content("text/plain", content.text))
    if content.html:
        theirs.add_content(Content("text/html", content.html))
    return theirs.get()


def test_a_template_of_the_provider_takes_the_place_of_the_contents() -> None:
    delivery, data = build_delivery("email", redrive_count=1), {"name": "Ada", "items": [1]}
    theirs = Mail(from_email=From("shop@example.org", "The Shop"))
    to = Personalization()
    to.add_to(To(delivery.address))
    to.dynamic_template_data = data
    for name, value in (("delivery_id", delivery.id), ("delivery_attempt", "2"), ("redrive_count", "1")):
        to.add_custom_arg(CustomArg(name, value))
    theirs.add_personalization(to)
    theirs.template_id = "d-" + "1" * 32
    assert build_mail(content=EmailContent("", "", template_id="d-" + "1" * 32, data=data), redrive_count=1) == theirs.get()


@pytest.mark.parametrize("content", [EmailContent("Ünïcode ☃", "Text\r\n.\r\nmore", "<p>HTML</p>"), EmailContent("s", "only text")])
def test_the_mail_equals_the_one_that_sendgrids_client_builds(content: EmailContent) -> None:
    assert build_mail(content=content, redrive_count=1) == build_with_sendgrid(content)


def test_a_mail_to_unsubscribe_from_has_both_headers_of_one_click() -> None:
    header = "<https://herold.example.org/u/x>, <mailto:unsubscribe@example.org?subject=x>"
    expected = {"List-Unsubscribe": header, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    for content in (EmailContent("s", "t"), EmailContent("", "", template_id="d-" + "1" * 32)):
        without, mail = build_mail(content=content), build_mail(content=replace(content, list_unsubscribe=header))
        assert mail == {**without, "headers": expected}


def test_an_html_mail_without_text_has_no_empty_part() -> None:
    assert build_mail(content=EmailContent("s", "", "<p>x</p>"))["content"] == [{"type": "text/html", "value": "<p>x</p>"}]


def test_a_sender_without_a_name_is_only_an_address() -> None:
    request = SendGrid("https://api.sendgrid.com", "k", "shop@example.org").build_request(build_delivery(), 0, NOW)
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["from"] == {"email": "shop@example.org"}


def test_the_key_and_path_are_in_the_head_below_the_path_of_the_url() -> None:
    request = SendGrid("http://127.0.0.1:4010/sendgrid/", "SG.key", "shop@example.org").build_request(build_delivery(), 0, NOW)
    assert isinstance(request, HttpRequest)
    assert request.origin == "http://127.0.0.1:4010"
    assert request.head.startswith(b"POST /sendgrid/v3/mail/send HTTP/1.1\r\nHost: 127.0.0.1:4010\r\n")
    assert b"\r\nAuthorization: Bearer SG.key\r\n" in request.head


@pytest.mark.parametrize("subject", ["plain", "naïve ☃", "two  spaces"])
def test_a_printable_subject_stays_as_it_is(subject: str) -> None:
    assert replace_line_breaks(subject) == subject


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@example.org", "a\nb", "a\x00b", "a\u2028b", "a\x85b", "a\tb"])
def test_a_subject_is_one_line(subject: str) -> None:
    assert len(replace_line_breaks(subject).splitlines()) == 1
    assert replace_line_breaks(subject).startswith("a ")


@pytest.mark.parametrize("key", ["k\r\nX: y", "ключ"])
def test_a_key_that_no_header_can_contain_is_an_error_that_does_not_repeat_it(key: str) -> None:
    with pytest.raises(ValueError, match="Authorization") as caught:
        SendGrid("https://api.sendgrid.com", key, "shop@example.org")
    assert key not in str(caught.value)


def test_the_senders_address_is_in_normal_form() -> None:
    request = SendGrid("https://api.sendgrid.com", "k", "Shop@Bücher.example").build_request(build_delivery(), 0, NOW)
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["from"] == {"email": "Shop@xn--bcher-kva.example"}


@pytest.mark.parametrize("sender", ["", "shop", "Shop <shop@example.org>", "größe@example.org"])
def test_a_sender_that_is_no_address_is_an_error(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        SendGrid("https://api.sendgrid.com", "k", sender)


def test_acceptance_keeps_the_message_id() -> None:
    attempted = SENDGRID.parse_result(HttpResponse(202, {b"x-message-id": b"14c5d75ce93.dfd"}, b""), NOW)
    assert attempted.provider_message_id == "14c5d75ce93.dfd"


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.UNKNOWN, ""),  # only 202 says that it will be sent
        (302, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        (400, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        (401, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (403, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (404, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (405, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
        (413, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        (418, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
        (429, Outcome.THROTTLED, ""),
        (500, Outcome.UNKNOWN, ""),
    ],
)
def test_codes(status: int, outcome: Outcome, reason: str) -> None:
    attempted = SENDGRID.parse_result(HttpResponse(status, {}, b""), NOW)
    assert (attempted.outcome, attempted.reason, attempted.provider_code) == (outcome, reason, status)
    assert attempted.is_account_fault is (reason == Reason.MISCONFIGURED)


@pytest.mark.parametrize(
    ("field", "outcome"),
    [
        ("personalizations.0.to.0.email", Outcome.REJECTED_RECIPIENT),
        ("personalizations.0.to", Outcome.REJECTED_RECIPIENT),
        ("personalizations.0.custom_args", Outcome.REJECTED_PERMANENT),
        ("from.email", Outcome.REJECTED_PERMANENT),
        ("content.0.value", Outcome.REJECTED_PERMANENT),
        (None, Outcome.REJECTED_PERMANENT),
    ],
)
def test_a_400_rejects_the_recipient_only_if_it_names_the_address(field: str | None, outcome: Outcome) -> None:
    body = json.dumps({"errors": [{"message": "wrong", "field": field, "help": None}]}).encode()
    attempted = SENDGRID.parse_result(HttpResponse(400, {}, body), NOW)
    assert attempted.outcome is outcome
    if outcome is Outcome.REJECTED_PERMANENT:
        assert attempted.detail == (f"SendGrid rejected {field}" if field else "SendGrid rejected the message and named no field of it")


def test_a_rejection_quotes_no_address() -> None:
    body = json.dumps({"errors": [{"field": "ada@example.org"}, {"field": "+15005550006"}, {"field": "subject"}]}).encode()
    assert SENDGRID.parse_result(HttpResponse(400, {}, body), NOW).detail == "SendGrid rejected subject"


@pytest.mark.parametrize(("reset", "seconds"), [(b"%d" % (NOW + 12), 12.0), (b"%d" % (NOW - 12), 0.0), (b"soon", 3.0), (b"9" * 30, 3.0)])
def test_the_reset_of_the_rate_limit_gives_the_retry_delay(reset: bytes, seconds: float) -> None:
    attempted = SENDGRID.parse_result(HttpResponse(429, {b"x-ratelimit-reset": reset, b"retry-after": b"3"}, b""), NOW)
    assert attempted.retry_after == seconds
