"""What every provider of e-mails makes of a content, whatever it speaks: read back from what it would send."""

import json
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest

from agents.providers.sendgrid import SendGrid
from agents.providers.smtp import Smtp
from agents.providers.smtp_client import SmtpServer
from schemas.attachments import Attachment
from schemas.content import EmailContent
from schemas.email_options import EmailOptions
from schemas.enums import Outcome, Reason
from schemas.http import HttpRequest, MaybeSent, NotSent
from schemas.outcome import AttemptResult
from schemas.smtp import SmtpRequest
from tests.contracts.providers.provider_cases import PROVIDER_CASES
from tests.delivery_builders import NOW, build_delivery

OPTIONS = EmailOptions("answers@example.org", {"X-Campaign": "spring"}, cc=["cc@example.org"], bcc=["bcc@example.org", "ADA@example.org"])
PDF = Attachment("Rechnung für Zoë.pdf", "application/pdf", "JVBERg==")
LOGO = Attachment("logo.png", "image/png", "iVBORw==", "logo")
LIST_UNSUBSCRIBE = f"<https://herold.example.org/u/{'x' * 200}>, <mailto:unsubscribe@example.org?subject={'x' * 200}>"


class ReadMail(NamedTuple):
    """An e-mail as its reader has it."""

    sender: tuple[str, str]
    recipients: set[str]
    visible_recipients: list[str]
    subject: str
    texts: dict[str, str]
    headers: dict[str, str]
    files: dict[str, tuple[str, str, bytes]]


def read_sendgrid(request: Any) -> ReadMail:
    assert isinstance(request, HttpRequest)
    mail = json.loads(request.body)
    person = mail["personalizations"][0]
    visible = [one["email"] for name in ("to", "cc") for one in person.get(name, [])]
    headers = {**mail.get("headers", {}), **({"Reply-To": mail["reply_to"]["email"]} if "reply_to" in mail else {})}
    return ReadMail(
        (mail["from"].get("name", ""), mail["from"]["email"]),
        {*visible, *(one["email"] for one in person.get("bcc", []))},
        visible,
        mail["subject"],
        {one["type"]: one["value"] for one in mail["content"]},
        headers,
        {one["filename"]: (one["type"], one.get("content_id", ""), b64decode(one["content"])) for one in mail.get("attachments", [])},
    )


def read_smtp(request: Any) -> ReadMail:
    assert isinstance(request, SmtpRequest)
    mail = message_from_bytes(request.message, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    sender = mail["From"].addresses[0]
    parts = [part for part in mail.walk() if not part.is_multipart()]
    files = [part for part in parts if part.get_content_disposition()]
    known = ("from", "to", "cc", "date", "message-id", "subject", "mime-version", "content-type", "content-transfer-encoding")
    return ReadMail(
        (sender.display_name, sender.addr_spec),
        set(request.recipients),
        [one.addr_spec for name in ("To", "Cc") if mail[name] for one in mail[name].addresses],
        mail["Subject"],
        {part.get_content_type(): part.get_content().replace("\r\n", "\n").removesuffix("\n") for part in parts if part not in files},
        {name: str(value) for name, value in mail.items() if name.lower() not in known},
        {str(part.get_filename()): (part.get_content_type(), (part["Content-ID"] or "").strip("<>"), part.get_content()) for part in files},
    )


class EmailProviderCase(NamedTuple):
    provider: Any
    read: Callable[[Any], ReadMail]


CASES = {
    "sendgrid": EmailProviderCase(SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", "Läden & Söhne"), read_sendgrid),
    "smtp": EmailProviderCase(Smtp(SmtpServer("mail.example.org", 587, "starttls"), "shop@example.org", "Läden & Söhne"), read_smtp),
}


@pytest.fixture(params=CASES)
def email_provider(request: pytest.FixtureRequest) -> EmailProviderCase:
    return CASES[request.param]


def read(email_provider: EmailProviderCase, content: EmailContent, **changes: Any) -> ReadMail:
    return email_provider.read(email_provider.provider.build_request(build_delivery("email", content=content, **changes), 0, NOW))


@pytest.mark.parametrize(
    "content",
    [
        EmailContent("Your order", "It is on its way."),
        EmailContent("Ünïcode ☃ " + "lang " * 60, "Zeile\nnoch eine, mit € und =?utf-8?q?x?=\n.\n..\n" + "x" * 2000),
        EmailContent("s", "text", "<p>HTML &amp; “mehr”</p>" + "<b>y</b>" * 500),
        EmailContent("only html", "", "<p>x</p>"),
        EmailContent('From the shop: "quoted", (comment) <x@y>', "From here\nFrom there"),
    ],
)
def test_subject_and_texts_arrive_as_they_were_rendered(email_provider: EmailProviderCase, content: EmailContent) -> None:
    mail = read(email_provider, content)
    assert mail.sender == ("Läden & Söhne", "shop@example.org")
    assert mail.recipients == {"ada@example.org"}
    assert mail.subject.strip() == content.subject.strip()
    assert mail.texts == {kind: text for kind, text in (("text/plain", content.text), ("text/html", content.html)) if text}


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@example.org", "a\nb\n\nbody", "a\u2028b"])
def test_no_subject_begins_another_header(email_provider: EmailProviderCase, subject: str) -> None:
    mail = read(email_provider, EmailContent(subject, "t"))
    assert (mail.recipients, mail.headers, mail.texts) == ({"ada@example.org"}, {}, {"text/plain": "t"})


def test_the_headers_of_one_click_are_whole(email_provider: EmailProviderCase) -> None:
    headers = read(email_provider, EmailContent("s", "t", list_unsubscribe=LIST_UNSUBSCRIBE)).headers
    assert headers == {"List-Unsubscribe": LIST_UNSUBSCRIBE, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def test_answers_copies_and_headers(email_provider: EmailProviderCase) -> None:
    mail = read(email_provider, EmailContent("s", "t", options=OPTIONS))
    assert mail.headers == {"Reply-To": "answers@example.org", "X-Campaign": "spring"}
    assert mail.recipients == {"ada@example.org", "cc@example.org", "bcc@example.org"}
    assert mail.visible_recipients == ["ada@example.org", "cc@example.org"]


@pytest.mark.parametrize("html", ["", '<img src="cid:logo">'])
def test_attachments_arrive_byte_by_byte(email_provider: EmailProviderCase, html: str) -> None:
    large = Attachment("large.bin", "application/octet-stream", "QUJD" * 10_000)
    mail = read(email_provider, EmailContent("s", "t", html, attachments=[PDF, LOGO, large]))
    assert mail.files == {
        "Rechnung für Zoë.pdf": ("application/pdf", "", b"%PDF"),
        "logo.png": ("image/png", "logo", b64decode("iVBORw==")),
        "large.bin": ("application/octet-stream", "", b"ABC" * 10_000),
    }
    assert set(mail.texts) == ({"text/plain", "text/html"} if html else {"text/plain"})


def test_the_same_attempt_at_the_same_time_is_the_same_request(email_provider: EmailProviderCase) -> None:
    content = EmailContent("s", "t", "<p>h</p>", options=OPTIONS, attachments=[PDF, LOGO])
    first, second = (email_provider.provider.build_request(build_delivery("email", content=content), 1, NOW) for _ in range(2))
    assert first == second


def test_what_is_no_address_or_no_e_mail_is_rejected_without_a_call(email_provider: EmailProviderCase) -> None:
    for address in PROVIDER_CASES["sendgrid"].invalid_addresses:
        result = email_provider.provider.build_request(build_delivery("email", address=address), 0, NOW)
        assert isinstance(result, AttemptResult)
        assert result.outcome is Outcome.REJECTED_RECIPIENT, address
    result = email_provider.provider.build_request(build_delivery("email", content=build_delivery("sms").content), 0, NOW)
    assert (result.outcome, result.reason) == (Outcome.REJECTED_PERMANENT, Reason.INVALID)


def test_what_never_left_is_not_sent_and_what_got_no_answer_is_unknown(email_provider: EmailProviderCase) -> None:
    parse = email_provider.provider.parse_result
    assert parse(NotSent("refused"), NOW) == AttemptResult(Outcome.NOT_SENT, detail="refused")
    assert parse(MaybeSent("closed"), NOW) == AttemptResult(Outcome.UNKNOWN, detail="closed")
