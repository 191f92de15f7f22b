"""The rare parts of a mail equal those that SendGrid's own client builds."""

import json
from typing import Any

import pytest
from sendgrid.helpers.mail import Attachment as TheirAttachment
from sendgrid.helpers.mail import (
    Bcc,
    Category,
    Cc,
    Content,
    ContentId,
    CustomArg,
    Disposition,
    FileContent,
    FileName,
    FileType,
    From,
    Header,
    Mail,
    MailSettings,
    Personalization,
    ReplyTo,
    SandBoxMode,
    To,
)

from agents.providers.sendgrid import SendGrid
from schemas.attachments import Attachment
from schemas.content import EmailContent
from schemas.email_options import EmailOptions, compute_recipient_digest
from schemas.enums import Outcome
from schemas.http import HttpRequest, HttpResponse
from tests.delivery_builders import NOW, build_delivery

NO_OPTIONS = EmailOptions()
PDF = Attachment("Rechnung.pdf", "application/pdf", "JVBERg==")
LOGO = Attachment("logo.png", "image/png", "iVBORw==", "logo")
OPTIONS = EmailOptions(
    "answers@example.org",
    {"X-Campaign": "spring", "List-Id": "<news.example.org>"},
    ["news", "spring"],
    {"tenant": "17", "ünï": '"'},
    ["cc@example.org"],
    ["bcc@example.org"],
)


def build_mail(content: EmailContent, *, is_sandbox: bool = False, **changes: object) -> dict[str, Any]:
    provider = SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", "The Shop", is_sandbox=is_sandbox)
    request = provider.build_request(build_delivery("email", content=content, **changes), 2, NOW)
    assert isinstance(request, HttpRequest)
    return json.loads(request.body)  # type: ignore[no-any-return]


def build_theirs(options: EmailOptions = NO_OPTIONS, headers: dict[str, str] | None = None) -> tuple[Mail, Personalization]:
    delivery = build_delivery("email")
    theirs = Mail(from_email=From("shop@example.org", "The Shop"), subject="s")
    to = Personalization()
    to.add_to(To(delivery.address))
    arguments = {"delivery_id": delivery.id, "delivery_attempt": "2", "redrive_count": "0", **options.custom_args}
    for name, value in arguments.items():
        to.add_custom_arg(CustomArg(name, value))
    if options.cc or options.bcc:
        to.add_custom_arg(CustomArg("recipient_digest", compute_recipient_digest(delivery.address)))
    for address in options.cc:
        to.add_cc(Cc(address))
    for address in options.bcc:
        to.add_bcc(Bcc(address))
    theirs.add_personalization(to)
    theirs.add_content(Content("text/plain", "t"))
    for name, value in (options.headers | (headers or {})).items():
        theirs.add_header(Header(name, value))
    return theirs, to


def test_options_are_where_sendgrid_expects_them() -> None:
    theirs, _ = build_theirs(OPTIONS)
    theirs.reply_to = ReplyTo("answers@example.org")
    theirs.category = [Category("news"), Category("spring")]
    assert build_mail(EmailContent("s", "t", options=OPTIONS)) == {**theirs.get(), "categories": ["news", "spring"]}


def test_attachments_are_files_or_pictures_within_the_html() -> None:
    theirs, _ = build_theirs()
    pdf = TheirAttachment(FileContent("JVBERg=="), FileName("Rechnung.pdf"), FileType("application/pdf"), Disposition("attachment"))
    logo = TheirAttachment(FileContent("iVBORw=="), FileName("logo.png"), FileType("image/png"), Disposition("inline"), ContentId("logo"))
    theirs.add_attachment(logo)  # their client puts each one before those that it has
    theirs.add_attachment(pdf)
    assert build_mail(EmailContent("s", "t", attachments=[PDF, LOGO])) == theirs.get()


def test_the_headers_of_one_click_stand_beside_others_and_cannot_be_replaced() -> None:
    one_click = {"List-Unsubscribe": "<https://x>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    options = EmailOptions(headers={"X-A": "1"})
    theirs, _ = build_theirs(options, one_click)
    assert build_mail(EmailContent("s", "t", list_unsubscribe="<https://x>", options=options)) == theirs.get()


def test_the_sandbox_validates_and_sends_nothing() -> None:
    theirs, _ = build_theirs()
    theirs.mail_settings = MailSettings(sandbox_mode=SandBoxMode(True))
    assert build_mail(EmailContent("s", "t"), is_sandbox=True) == theirs.get()


@pytest.mark.parametrize(("is_sandbox", "status", "is_accepted"), [(False, 202, True), (False, 200, False), (True, 200, True)])
def test_the_sandbox_answers_200(is_sandbox: bool, status: int, is_accepted: bool) -> None:
    provider = SendGrid("https://api.sendgrid.com", "SG.key", "shop@example.org", is_sandbox=is_sandbox)
    outcome = provider.parse_result(HttpResponse(status, {}, b""), NOW).outcome
    assert (outcome is Outcome.ACCEPTED) is is_accepted


def test_a_template_of_the_provider_has_them_too() -> None:
    mail = build_mail(EmailContent("", "", template_id="d-" + "1" * 32, data={"a": 1}, options=OPTIONS, attachments=[PDF]))
    plain = build_mail(EmailContent("", "", template_id="d-" + "1" * 32, data={"a": 1}))
    assert {*mail} - {*plain} == {"headers", "attachments", "reply_to", "categories"}
    assert mail["personalizations"][0]["cc"] == [{"email": "cc@example.org"}]


def test_each_address_gets_the_mail_once() -> None:
    options = EmailOptions(cc=["Ada@example.org", "b@example.org"], bcc=["B@example.org", "c@example.org"])
    person = build_mail(EmailContent("s", "t", options=options), address="ada@example.org")["personalizations"][0]
    assert (person["cc"], person["bcc"]) == ([{"email": "b@example.org"}], [{"email": "c@example.org"}])
    assert person["custom_args"]["recipient_digest"] == compute_recipient_digest("Ada@example.org")
    alone = build_mail(EmailContent("s", "t", options=EmailOptions(cc=["ADA@example.org"])), address="ada@example.org")
    assert "cc" not in alone["personalizations"][0]
    assert "recipient_digest" not in alone["personalizations"][0]["custom_args"], "no report can be about a copy"
