"""Links of messages: in the header of each e-mail that its user may opt out of, and as variables of every template."""

from typing import Any

import pytest

from schemas.content import EmailContent, SmsContent
from schemas.link_tokens import LinkTokens
from schemas.message_links import LinkBuilder, LinkTarget
from schemas.policy import Partial, Rule, Template
from tests.unit.agents.router.builders import RULES, TEMPLATES
from tests.unit.agents.router.harness import USER_ID, RouterHarness, build_notification, build_policy, make_notification_id

BUILDER = LinkBuilder(LinkTokens([b"1" * 32]), "https://herold.example.org", "unsubscribe@example.org")
NEWS = Template("news", 1, "email", "default", "News", "{{ text }}")
PRINTED = Template("printed", 1, "email", "default", "News", "{{ unsubscribe_url }} {{ preferences_url }}", "{% include 'footer' %}")
PRINTED_SMS = Template("printed", 1, "sms", "default", text="{{ unsubscribe_url }}")
AT_PROVIDER = Template("at-provider", 1, "email", "default", template_id="d-" + "1" * 32)
FOOTER = Partial("footer", "default", html='<a href="{{ unsubscribe_url }}">x</a>')
NOTIFICATION_ID = make_notification_id(7)


def build_harness(builder: LinkBuilder | None = BUILDER, **rule: Any) -> RouterHarness:
    rules = [*RULES, Rule("shop.news", **{"category": "marketing", "priority": "low", "channels": ("email", "sms"), **rule})]
    rules.append(Rule("shop.letter", "newsletter", "low", ("email",)))
    policy = build_policy(rules=rules, templates=[*TEMPLATES, NEWS, PRINTED, PRINTED_SMS, AT_PROVIDER], partials=[FOOTER])
    return RouterHarness(policy, link_builder=builder)


async def route(harness: RouterHarness, template: str, **fields: Any) -> Any:
    data = {"type": "shop.news", "channels": ["email"], "data": {"text": "Hello"}, "id": NOTIFICATION_ID, **fields}
    await harness.route(build_notification(template=template, **data))
    return harness.deliveries[-1].content


def build_links(category: str = "marketing", channel: Any = "email"):
    return BUILDER.build(LinkTarget(USER_ID, category, channel, NOTIFICATION_ID))


async def test_an_e_mail_that_needs_consent_has_the_header() -> None:
    content = await route(build_harness(), "news")
    assert content == EmailContent("News", "Hello", list_unsubscribe=build_links().list_unsubscribe)
    assert "mailto:unsubscribe@example.org" in content.list_unsubscribe


@pytest.mark.parametrize(
    ("rule", "has_header"),
    [
        ({}, True),
        ({"category": "transactional"}, False),
        ({"category": "security"}, False),
        ({"category": "transactional", "consent": "opt_out"}, True),
        ({"consent": "none"}, False),
        ({"mandatory": True}, False),
    ],
)
async def test_the_consent_of_the_rule_decides(rule: dict[str, Any], has_header: bool) -> None:
    content = await route(build_harness(**rule), "news")
    assert bool(content.list_unsubscribe) is has_header


async def test_a_category_of_the_notification_is_the_one_that_the_link_is_about() -> None:
    content = await route(build_harness(category="transactional"), "news", category="newsletter")
    assert content.list_unsubscribe == build_links("newsletter").list_unsubscribe


async def test_a_template_prints_the_links_also_in_a_partial() -> None:
    links, content = build_links(), await route(build_harness(), "printed")
    assert content.text == f"{links.unsubscribe_url} {links.preferences_url}"
    assert content.html == f'<a href="{links.unsubscribe_url}">x</a>'


async def test_a_message_that_needs_no_consent_has_only_the_link_to_the_preferences() -> None:
    content = await route(build_harness(category="security"), "printed")
    assert content.text == f" {build_links('security').preferences_url}"
    assert content.list_unsubscribe == ""


async def test_each_channel_has_a_link_of_its_own() -> None:
    content = await route(build_harness(), "printed", channels=["sms"])
    assert content == SmsContent(build_links(channel="sms").unsubscribe_url)


async def test_data_of_the_same_name_comes_first() -> None:
    content = await route(build_harness(), "printed", data={"unsubscribe_url": "https://shop.example.org/bye"})
    assert content.text.startswith("https://shop.example.org/bye https://herold.example.org/u/")
    assert content.list_unsubscribe == build_links().list_unsubscribe


async def test_a_template_of_the_provider_gets_the_links_with_the_data() -> None:
    links, content = build_links(), await route(build_harness(), "at-provider")
    assert content.data == {"text": "Hello", "unsubscribe_url": links.unsubscribe_url, "preferences_url": links.preferences_url}


async def test_without_a_base_url_there_are_no_links() -> None:
    harness = build_harness(None)
    assert await route(harness, "news") == EmailContent("News", "Hello")
    assert (await route(harness, "printed", id=make_notification_id(8))).text == ""
