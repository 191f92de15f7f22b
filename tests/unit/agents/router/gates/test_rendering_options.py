"""What an e-mail has beside its text: options of rule and template, and attachments."""

from base64 import b64encode
from typing import Any

import pytest

from schemas.attachments import MAX_ATTACHMENT_BYTES, Attachment
from schemas.content import EmailContent
from schemas.email_options import EmailOptions, encode_options
from schemas.policy import DigestPolicy, Policy, Rule, Template, TemplateDetails
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import RouterHarness, build_notification

PDF = {"filename": "a.pdf", "type": "application/pdf", "content": "JVBERg=="}
NEWS = Template("news", 1, "email", "default", "News", "{{ text }}")


def build_harness(rule: EmailOptions | None = None, template: EmailOptions | None = None, **fields: Any) -> RouterHarness:
    rules = {
        **POLICY.rules,
        "shop.news": Rule("shop.news", "transactional", "low", ("email", "sms"), email_options=encode_options(rule), **fields),
    }
    details = (TemplateDetails("news", 1, email_options=encode_options(template)),)
    templates = (*POLICY.templates, NEWS, Template("news", 1, "sms", "default", text="{{ text }}"))
    return RouterHarness(Policy(rules, templates, (), 1, details))


async def route(harness: RouterHarness, **fields: Any) -> Any:
    data = {"type": "shop.news", "template": "news", "channels": ["email"], "data": {"text": "Hello"}, **fields}
    await harness.route(build_notification(**data))
    return harness.deliveries[0].content if harness.deliveries else None


async def test_an_e_mail_has_the_options_of_its_rule_and_its_template() -> None:
    rule, template = EmailOptions("rule@example.org"), EmailOptions("template@example.org", categories=["news"])
    assert await route(build_harness()) == EmailContent("News", "Hello")
    assert (await route(build_harness(rule))).options == rule
    assert (await route(build_harness(None, template))).options == template
    assert (await route(build_harness(rule, template))).options == EmailOptions("rule@example.org", categories=["news"])


async def test_other_templates_and_rules_have_none_of_them() -> None:
    harness = build_harness(EmailOptions("rule@example.org"), EmailOptions(categories=["news"]))
    await harness.route(build_notification(channels=["email"]))
    assert harness.deliveries[0].content.options is None  # type: ignore[union-attr]


async def test_a_file_goes_out_with_the_e_mail_and_with_nothing_else() -> None:
    harness = build_harness()
    await route(harness, attachments=[PDF], channels=["email", "sms"])
    email, sms = (delivery.content for delivery in harness.deliveries)
    assert email == EmailContent("News", "Hello", attachments=[Attachment("a.pdf", "application/pdf", "JVBERg==")])
    assert not hasattr(sms, "attachments")


async def test_the_largest_files_do_not_count_as_content() -> None:
    large = {**PDF, "content": b64encode(b"x" * MAX_ATTACHMENT_BYTES).decode()}
    assert (await route(build_harness(), attachments=[large])).attachments[0].content == large["content"]
    harness = build_harness()
    assert await route(harness, attachments=[large], data={"text": "x" * 40_000}) is not None
    harness = build_harness()
    await route(harness, attachments=[PDF], data={"text": "é" * 40_000})
    assert harness.last_state == ("dead", "content_too_large")


@pytest.mark.parametrize(
    ("attachment", "path"),
    [({**PDF, "content": "!!!!"}, "$.attachments[0].content"), ({**PDF, "type": "pdf"}, "$.attachments[0].type")],
)
async def test_a_file_that_cannot_be_sent_is_dead(attachment: dict[str, str], path: str) -> None:
    harness = build_harness()
    await route(harness, attachments=[attachment])
    assert harness.last_state == ("dead", "invalid")
    assert harness.get_entry("decode").inputs["path"] == path


async def test_what_has_a_file_is_not_gathered_into_a_digest() -> None:
    harness = build_harness(digest=DigestPolicy(window=60))
    await route(harness, attachments=[PDF], data={"text": "Hello"})
    assert harness.get_entry("digest").reason == "has_attachments"
