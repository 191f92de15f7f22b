"""SMTP: what replies mean, the form of a message, and the settings."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import msgspec
import pytest

from agents.providers.http import HttpLimits
from agents.providers.smtp import Settings, Smtp, build_provider
from agents.providers.smtp_client import SmtpConnectionPool, SmtpServer
from agents.providers.smtp_codes import ENHANCED_CODES, STAGE_CODES
from schemas.attachments import Attachment
from schemas.content import EmailContent
from schemas.enums import Outcome, Reason
from schemas.errors import SettingError
from schemas.outcome import AttemptResult
from schemas.smtp import SmtpReply, SmtpRequest
from tests.delivery_builders import NOW, build_delivery

SERVER = SmtpServer("mail.example.org", 587, "starttls", "herold", "secret")
SMTP = Smtp(SERVER, "shop@example.org", "The Shop")
SETTINGS = Settings("mail.example.org", 587, "starttls", "herold", "secret", 20, "shop@example.org", "The Shop")
ACCOUNT = "account"


def build_request(content: EmailContent | None = None, attempt: int = 0, **changes: Any) -> SmtpRequest:
    fields = changes if content is None else {**changes, "content": content}
    request = SMTP.build_request(build_delivery("email", **fields), attempt, NOW)
    assert isinstance(request, SmtpRequest)
    return request


def classify(*reply: Any) -> str:
    """The outcome of a reply, `account` if it concerns the account."""
    result = SMTP.parse_result(SmtpReply(*reply), NOW)
    return ACCOUNT if result.is_account_fault else result.outcome.name


def test_an_accepted_message_has_the_id_that_its_reader_sees() -> None:
    request = build_request()
    result = SMTP.parse_result(SmtpReply("data", 250, "2.0.0", request.message_id), NOW)
    assert result == AttemptResult(Outcome.ACCEPTED, "", 250, request.message_id)
    assert message_from_bytes(request.message)["Message-ID"] == f"<{request.message_id}>"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (("connect", 554), ACCOUNT),
        (("connect", 421), "NOT_SENT"),
        (("connect", 521), "REJECTED_PERMANENT"),
        (("starttls", 502), ACCOUNT),
        (("starttls", 454), "NOT_SENT"),
        (("auth", 535, "5.7.8"), ACCOUNT),
        (("auth", 534), ACCOUNT),
        (("auth", 500), ACCOUNT),
        (("auth", 454, "4.7.0"), "THROTTLED"),
        (("auth", 454), "NOT_SENT"),
        (("mail", 530), ACCOUNT),
        (("mail", 550), ACCOUNT),
        (("mail", 553, "5.1.8"), ACCOUNT),
        (("mail", 552), "REJECTED_PERMANENT"),
        (("mail", 451), "NOT_SENT"),
        (("mail", 421), "THROTTLED"),
        (("rcpt", 550, "5.1.1"), "REJECTED_RECIPIENT"),
        (("rcpt", 550), "REJECTED_RECIPIENT"),
        (("rcpt", 551), "REJECTED_RECIPIENT"),
        (("rcpt", 552, "5.2.2"), "REJECTED_RECIPIENT"),
        (("rcpt", 553), "REJECTED_RECIPIENT"),
        (("rcpt", 556, "5.1.10"), "REJECTED_RECIPIENT"),
        (("rcpt", 556, "5.1.9"), "REJECTED_RECIPIENT"),
        (("rcpt", 550, "5.7.1"), "REJECTED_RECIPIENT"),
        (("rcpt", 554, "5.7.1"), "REJECTED_PERMANENT"),
        (("rcpt", 450), "NOT_SENT"),
        (("rcpt", 450, "4.2.1"), "NOT_SENT"),
        (("rcpt", 451, "4.7.1"), "NOT_SENT"),
        (("rcpt", 452, "4.5.3"), "NOT_SENT"),
        (("rcpt", 421, "4.7.0"), "THROTTLED"),
        (("rcpt", 421), "THROTTLED"),
        (("data", 550, "5.1.1"), "REJECTED_RECIPIENT"),
        (("data", 552, "5.3.4"), "REJECTED_PERMANENT"),
        (("data", 554, "5.7.1"), "REJECTED_PERMANENT"),
        (("data", 550, "5.7.26"), "REJECTED_PERMANENT"),
        (("data", 554), "REJECTED_PERMANENT"),
        (("data", 599), "REJECTED_PERMANENT"),
        (("data", 451, "4.3.0"), "NOT_SENT"),
        (("data", 421, "4.7.0"), "THROTTLED"),
        (("data", 550, "4.2.1"), "REJECTED_PERMANENT"),
        (("data", 354), "REJECTED_PERMANENT"),
    ],
)
def test_a_reply_has_the_outcome_of_the_tables(reply: tuple[Any, ...], outcome: str) -> None:
    assert classify(*reply) == outcome


def test_every_code_is_in_a_class_that_fits_its_outcome() -> None:
    """RFC 5321, 4.2.1: 4yz may be tried again, 5yz may not."""
    again = (Outcome.NOT_SENT, Outcome.THROTTLED)
    for text, result in ENHANCED_CODES.items():
        assert (result.outcome in again) == text.startswith("4"), text
    for (stage, code), result in STAGE_CODES.items():
        assert (result.outcome in again) == (code < 500), (stage, code)


def test_any_reply_is_an_outcome_that_repeats_nothing_of_the_server() -> None:
    for stage in ("connect", "starttls", "auth", "mail", "rcpt", "data"):
        for code in range(200, 600):
            for enhanced in ("", "2.0.0", "4.0.0", "5.0.0", "5.7.999"):
                result = SMTP.parse_result(SmtpReply(stage, code, enhanced, "id"), NOW)  # type: ignore[arg-type]
                assert result.outcome in Outcome
                assert (result.outcome is Outcome.ACCEPTED) == (stage == "data" and code == 250)


def test_the_message_id_is_that_of_delivery_and_attempt() -> None:
    ids = {build_request(attempt=attempt, redrive_count=redrive).message_id for attempt in range(3) for redrive in range(2)}
    assert len(ids) == 6
    assert build_request(attempt=1).message_id == build_request(attempt=1).message_id
    assert all(re.fullmatch(r"dlv_[0-9a-f]{32}\.\d\.\d@example\.org", one) for one in ids)


def test_a_message_has_the_headers_that_it_must_have() -> None:
    """RFC 5322, 3.6: Date and From once each; no Bcc."""
    message = message_from_bytes(build_request().message, policy=policy.default)
    names = [name.lower() for name in message]
    assert names.count("date") == names.count("from") == names.count("message-id") == names.count("mime-version") == 1
    assert message["Date"].datetime.timestamp() == NOW
    assert not message.defects


@pytest.mark.parametrize("html", ["", "<p>" + "wörter und mehr " * 2000 + "</p>"])
def test_a_message_is_7_bit_with_lines_that_every_server_takes(html: str) -> None:
    content = EmailContent(
        "Ünïcode ☃ " * 30, "x" * 5000 + "\r\n.\r\nFrom x\n", html, attachments=[Attachment("é" * 60, "a/b", "QUJD" * 999)]
    )
    message = build_request(content).message
    assert message.isascii()
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")


def test_a_picture_without_html_is_a_file() -> None:
    content = EmailContent("s", "t", attachments=[Attachment("a.png", "image/png", "QUJD", "logo")])
    message = message_from_bytes(build_request(content).message)
    assert message.get_content_type() == "multipart/mixed"
    with_html = message_from_bytes(build_request(msgspec.structs.replace(content, html="<p>")).message)
    kinds = [part.get_content_type() for part in with_html.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]


def test_a_template_of_sendgrid_cannot_be_sent() -> None:
    content = EmailContent("", "", template_id="d-" + "1" * 32)
    result = SMTP.build_request(build_delivery("email", content=content), 0, NOW)
    assert isinstance(result, AttemptResult)
    assert (result.outcome, result.reason) == (Outcome.REJECTED_PERMANENT, Reason.INVALID)


def test_the_account_is_the_server_and_the_client_its_own() -> None:
    assert SMTP.get_account(build_delivery("email")) == "smtp://mail.example.org:587"
    assert isinstance(SMTP.build_client(HttpLimits(10, 3.0, 15.0)), SmtpConnectionPool)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "mail example"),
        ("host", ""),
        ("host", "https://mail.example.org"),
        ("username", "a\r\nRCPT TO:<eve@example.org>"),
        ("password", "pässword"),
        ("from_email", "The Shop <shop@example.org>"),
        ("from_name", "a\nBcc: eve@example.org"),
        ("security", "none"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_not_repeated(key: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        build_provider(msgspec.structs.replace(SETTINGS, **{key: value}))
    assert caught.value.key == key
    assert key == "security" or not value or value not in str(caught.value)


def test_a_password_may_stay_on_this_host_and_no_password_anywhere() -> None:
    assert build_provider(msgspec.structs.replace(SETTINGS, security="none", host="127.0.0.1")).name == "smtp"
    assert build_provider(msgspec.structs.replace(SETTINGS, security="none", username="", password="")).name == "smtp"


def test_a_sender_that_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="the sender"):
        Smtp(replace(SERVER), "nobody")
