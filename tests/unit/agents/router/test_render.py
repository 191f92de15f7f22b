"""The render gate: all chosen channels or none."""

from typing import Any

import pytest

from schemas.content import EmailContent, WebhookContent
from schemas.rules import Template
from tests.unit.agents.router.policy import TEMPLATES
from tests.unit.agents.router.world import World, notification, policy

HOOK = {"type": "partner.order", "to": {"webhook": "https://example.org/hook"}}


async def test_the_users_locale_is_spoken() -> None:
    world = World()
    await world.route(notification())
    assert world.deliveries[0].content == EmailContent("Bestellung 17", "Guten Tag Ada")
    assert world.accepted[0].trace[7].inputs == {"email": "shipped@7 de", "push": "shipped@7 default"}


async def test_the_notifications_locale_comes_first() -> None:
    world = World()
    await world.route(notification(locale="en"))
    assert world.deliveries[0].content == EmailContent("Order 17", "Hello Ada, 17 left.", "<p>Hello Ada</p>")


async def test_a_webhook_is_told_type_and_data() -> None:
    world = World()
    await world.route(notification(**HOOK, data={"a": [1, {"b": None}]}))
    assert world.deliveries[0].content == WebhookContent("partner.order", {"a": [1, {"b": None}]})


@pytest.mark.parametrize("fields", [{"template": "otp", "channels": ["sms"]}, {"type": "account.otp", "channels": ["sms"]}])
async def test_the_notification_names_the_template_or_the_rule_does(fields: dict[str, Any]) -> None:
    world = World()
    await world.route(notification(data={"code": 4711}, **fields))
    assert (world.deliveries[0].template, world.deliveries[0].content.text) == ("otp", "4711")  # type: ignore[union-attr]


async def test_without_either_the_type_names_it() -> None:
    world = World(policy(templates=[*TEMPLATES, Template("partner.order", 1, "sms", "default", text="x")]))
    await world.route(notification(type="partner.order", channels=["sms"]))
    assert world.deliveries[0].template == "partner.order"


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"template": "nobody-wrote"}, "unknown_template", ["nobody-wrote", "email"]),
        ({"template": "otp", "data": {"code": 1}}, "unknown_template", ["otp", "push"]),  # push has none: not half of it
        ({"data": {"order": 17}}, "missing_variable", ["shipped@7 de", "name"]),
        ({"template": "broken", "channels": ["sms"]}, "template_error", ["broken"]),
        ({"template": "wrong", "channels": ["sms"]}, "template_error", ["wrong"]),
        ({**HOOK, "data": {"a": "x" * 66_000}}, "content_too_large", ["webhook"]),
        ({"template": "long", "channels": ["email"], "data": {"a": "é" * 20_000}}, "content_too_large", ["email"]),
    ],
)
async def test_what_cannot_be_rendered_is_dead(fields: dict[str, Any], reason: str, words: list[str]) -> None:
    odd = [
        Template("broken", 1, "sms", "default", text="{{"),
        Template("wrong", 1, "sms", "default", text="{{ 1 // 0 }}"),
        Template("long", 1, "email", "default", "s", "{{ a }}", "{{ a }}"),
    ]
    world = World(policy(templates=[*TEMPLATES, *odd]))
    await world.route(notification(**fields))
    assert world.outcome == ("dead", reason)
    assert not world.deliveries
    step = world.accepted[0].trace[-1]
    assert (step.gate, step.verdict) == ("render", "dead")
    assert all(word in step.inputs["error"] for word in words)


async def test_channels_that_are_not_chosen_need_no_template() -> None:
    world = World()
    await world.route(notification(type="account.otp", data={"code": 1}, channels=["sms", "push"]))
    assert world.outcome == ("routed", "")
