"""The gate rendering: all chosen channels or none."""

from typing import Any

import msgspec
import pytest

from schemas.content import EmailContent, PushContent, WebhookContent
from schemas.policy import Template, TemplateDetails
from schemas.profile import Profile
from tests.unit.agents.router.builders import POLICY, TEMPLATES
from tests.unit.agents.router.harness import USER_ID, RouterHarness, build_notification, build_policy, make_notification_id

HOOK = {"type": "partner.order", "to": {"webhook": "https://example.org/hook"}}


async def test_the_template_of_the_users_locale_is_used() -> None:
    harness = RouterHarness()
    await harness.route(build_notification())
    assert harness.deliveries[0].content == EmailContent("Bestellung 17", "Guten Tag Ada")
    assert harness.get_entry("rendering", 0).inputs == {"email": "shipped@7 de", "push": "shipped@7 default"}


async def test_the_notifications_locale_comes_first() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(locale="en"))
    assert harness.deliveries[0].content == EmailContent("Order 17", "Hello Ada, 17 left.", "<p>Hello Ada</p>")


async def test_a_time_is_shown_in_the_zone_of_the_profile_if_one_is_read() -> None:
    template = Template("t", 1, "email", "default", "{{ at|datetime('short') }}", "x")
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, template]))
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["a@b.de"]}, "en-GB", "Asia/Tokyo")
    fields = {"template": "t", "channels": ["email"], "data": {"at": "2026-11-28T12:00:00Z"}}
    await harness.route(
        build_notification(**fields),
        build_notification(**fields, id=make_notification_id(2), to={"email": "a@b.de"}, locale="en-GB"),  # no profile: UTC
    )
    subjects = [delivery.content.subject for delivery in harness.deliveries]  # type: ignore[union-attr]
    assert subjects == ["28/11/2026, 21:00", "28/11/2026, 12:00"]


async def test_a_webhook_gets_type_and_data() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(**HOOK, data={"a": [1, {"b": None}]}))
    assert harness.deliveries[0].content == WebhookContent("partner.order", {"a": [1, {"b": None}]})


@pytest.mark.parametrize(
    ("body", "data", "content"),
    [
        ('{"id": {{ order|json }}, "to": {{ name|json }}}', {"order": 17, "name": 'A"da'}, {"id": 17, "to": 'A"da'}),
        ("{{ payload|json }}", {"payload": {"a": [None]}}, {"a": [None]}),
    ],
)
async def test_a_template_may_build_the_data_of_a_webhook(body: str, data: dict[str, Any], content: dict[str, Any]) -> None:
    harness = RouterHarness(build_policy(templates=[Template("partner.order", 1, "webhook", "default", body=body)]))
    await harness.route(build_notification(**HOOK, data=data))
    assert harness.deliveries[0].content == WebhookContent("partner.order", content)
    assert harness.decided_events[0].decision_log[-2].inputs == {"webhook": "partner.order@1 default"}


@pytest.mark.parametrize("body", ['{"name": {{ name }}}', "[1]", "{}{}"])
async def test_a_body_that_is_no_json_object_is_dead(body: str) -> None:
    harness = RouterHarness(build_policy(templates=[Template("partner.order", 1, "webhook", "default", body=body)]))
    await harness.route(build_notification(**HOOK))
    assert harness.last_state == ("dead", "template_error")
    assert "the body does not render to a JSON object" in harness.decided_events[0].decision_log[-1].inputs["error"]


async def test_a_push_message_has_an_image_and_a_link_and_an_e_mail_the_providers_template() -> None:
    templates = [
        Template("t", 1, "push", "default", "T", "B", image="https://example.org/{{ order }}.png", link="shop://{{ order }}"),
        Template("t", 1, "email", "default", template_id="d-" + "1" * 32),
    ]
    harness = RouterHarness(build_policy(templates=templates))
    await harness.route(build_notification(template="t", data={"order": 17}))
    assert [delivery.content for delivery in harness.deliveries][:2] == [
        EmailContent("", "", template_id="d-" + "1" * 32, data={"order": 17, "unsubscribe_url": "", "preferences_url": ""}),
        PushContent("T", "B", {}, "https://example.org/17.png", "shop://17"),
    ]


@pytest.mark.parametrize("fields", [{"template": "otp", "channels": ["sms"]}, {"type": "account.otp", "channels": ["sms"]}])
async def test_the_notification_names_the_template_or_the_rule_does(fields: dict[str, Any]) -> None:
    harness = RouterHarness()
    await harness.route(build_notification(data={"code": 4711}, **fields))
    assert (harness.deliveries[0].template, harness.deliveries[0].content.text) == ("otp", "4711")  # type: ignore[union-attr]


async def test_without_either_the_type_names_it() -> None:
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, Template("partner.order", 1, "sms", "default", text="x")]))
    await harness.route(build_notification(type="partner.order", channels=["sms"]))
    assert harness.deliveries[0].template == "partner.order"


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
    templates = [
        Template("broken", 1, "sms", "default", text="{{"),
        Template("wrong", 1, "sms", "default", text="{{ 1 // 0 }}"),
        Template("long", 1, "email", "default", "s", "{{ a }}", "{{ a }}"),
    ]
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, *templates]))
    await harness.route(build_notification(**fields))
    assert harness.last_state == ("dead", reason)
    assert not harness.deliveries
    step = harness.decided_events[0].decision_log[-1]
    assert (step.gate, step.verdict) == ("rendering", "dead_letter")
    assert all(word in step.inputs["error"] for word in words)


async def test_data_that_is_not_as_the_template_declares_is_dead_before_anything_is_rendered() -> None:
    schema = '{"properties":{"items":{"items":{"type":"object","required":["sku"]}}}}'
    policy = msgspec.structs.replace(POLICY, template_details=(TemplateDetails("shipped", 7, schema),))
    harness = RouterHarness(policy)
    await harness.route(build_notification(data={"items": [{"sku": 1}, {}]}))
    assert harness.last_state == ("dead", "invalid_variables")
    path = "$.data.items[1].sku"
    error = f'template shipped: "sku" is a required property - at {path}'
    assert harness.decided_events[0].decision_log[-1].inputs == {"error": error, "template": "shipped", "path": path}
    assert dict(harness.get_records("notifications.dlq")[0].headers)["reason"] == b"invalid_variables"


VARIANTS = '{"short":{"weight":50,"email":{"default":{"subject":"Short {{ order }}"},"de":{"subject":"Kurz {{ order }}"}}}}'
EXPERIMENT = TemplateDetails("shipped", 7, experiment="shipped", variants=VARIANTS)


async def test_a_user_gets_one_variant_always_and_each_delivery_records_it() -> None:
    harness = RouterHarness(msgspec.structs.replace(POLICY, template_details=(EXPERIMENT,)))
    users = [f"u-{number}" for number in range(40)]
    for repetition in range(2):
        numbered = enumerate(users, 1 + 100 * repetition)
        to = {"email": "a@b.de", "push": "token"}
        await harness.route(
            *(build_notification(id=make_notification_id(number), user_id=one, to=to, locale="de") for number, one in numbered)
        )
    by_user: dict[str, set[tuple[str, str]]] = {}
    for delivery in harness.deliveries:
        if delivery.channel == "email":
            by_user.setdefault(delivery.user_id, set()).add((delivery.variant, delivery.content.subject))  # type: ignore[union-attr]
    short, control = ("shipped/short", "Kurz 17"), ("shipped/control", "Bestellung 17")
    assert all(len(found) == 1 for found in by_user.values())
    assert {*map(next, map(iter, by_user.values()))} == {short, control}
    pushed = {delivery.user_id: delivery.variant for delivery in harness.deliveries if delivery.channel == "push"}
    assert pushed == {user: next(iter(found))[0] for user, found in by_user.items()}, "a user is in one group, on all channels"
    logs = {event.user_id: event.decision_log[-2].inputs for event in harness.decided_events}
    for user, variant in pushed.items():
        email = "shipped@7 de short" if variant == "shipped/short" else "shipped@7 de"
        assert logs[user] == {"email": email, "push": "shipped@7 default", "variant": variant}


async def test_a_template_without_variants_records_none() -> None:
    harness = RouterHarness(msgspec.structs.replace(POLICY, template_details=(EXPERIMENT,)))
    await harness.route(build_notification(type="account.otp", data={"code": 1}, channels=["sms"]))
    assert [delivery.variant for delivery in harness.deliveries] == [""]
    assert harness.decided_events[0].decision_log[-2].inputs == {"sms": "otp@1 default"}


async def test_a_delivery_says_that_its_template_is_sent_at_most_once() -> None:
    details = TemplateDetails("shipped", 7, at_most_once=True)
    harness = RouterHarness(msgspec.structs.replace(POLICY, template_details=(details,)))
    otp = build_notification(id=make_notification_id(2), type="account.otp", data={"code": 1}, channels=["sms"])
    await harness.route(build_notification(), otp)
    assert {(delivery.template, delivery.at_most_once, delivery.variant) for delivery in harness.deliveries} == {
        ("shipped", True, ""),
        ("otp", False, ""),
    }


async def test_a_variant_that_does_not_render_is_named() -> None:
    broken = msgspec.structs.replace(EXPERIMENT, variants=VARIANTS.replace("order }}", "absent }}").replace(":50", ":100"))
    harness = RouterHarness(msgspec.structs.replace(POLICY, template_details=(broken,)))
    await harness.route(build_notification())
    assert harness.last_state == ("dead", "missing_variable")
    assert "template shipped@7 de short for email" in harness.decided_events[0].decision_log[-1].inputs["error"]


async def test_channels_that_are_not_chosen_need_no_template() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(type="account.otp", data={"code": 1}, channels=["sms", "push"]))
    assert harness.last_state == ("routed", "")


@pytest.mark.parametrize(
    ("template", "data", "reason", "words"),
    [
        (Template("t", 1, "email", "default", "{{ a }}", "x"), {"a": " \n\u200b"}, "blank_content", "the subject is blank"),
        (Template("t", 1, "email", "default", "s", "{{ a }}", " \n"), {"a": ""}, "blank_content", "the text and the html are blank"),
        (Template("t", 1, "sms", "default", text="{{ a }}\n"), {"a": "\u00a0"}, "blank_content", "the text is blank"),
        (Template("t", 1, "push", "default", "{{ a }}", "b"), {"a": "\t"}, "blank_content", "the title is blank"),
        (Template("t", 1, "push", "default", "t", "{{ a }}"), {"a": []}, "blank_content", "the body is blank"),
        (Template("t", 1, "sms", "default", text="{{ a }}"), {"a": "x" * 1601}, "provider_limit", "the text has 1601 characters"),
        (Template("t", 1, "email", "default", "{{ a }}", "x"), {"a": "x" * 999}, "provider_limit", "the subject has 999 characters"),
        (Template("t", 1, "push", "default", "t", "{{ a }}"), {"a": "x" * 4096}, "provider_limit", "the title, body and data have 4153"),
    ],
)
async def test_what_the_provider_would_not_take_is_dead(template: Template, data: dict[str, Any], reason: str, words: str) -> None:
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, template]))
    await harness.route(build_notification(template="t", channels=[template.channel], data=data))
    assert harness.last_state == ("dead", reason)
    assert not harness.deliveries
    assert f"template t@1 default for {template.channel}: {words}" in harness.decided_events[0].decision_log[-1].inputs["error"]


@pytest.mark.parametrize(("addresses", "state"), [(["phone"], "routed"), (["phone", "topic:news"], "dead")])
async def test_a_topic_takes_half_of_what_a_device_takes(addresses: list[str], state: str) -> None:
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, Template("t", 1, "push", "default", "t", "{{ a }}")]))
    await harness.route(build_notification(template="t", channels=["push"], data={"a": "x" * 3000}, to={"push": addresses}))
    assert harness.last_state[0] == state


@pytest.mark.parametrize(("text", "html", "content"), [(" \n", "<p>x", EmailContent("s", "", "<p>x")), ("x", "\n", EmailContent("s", "x"))])
async def test_a_blank_optional_part_is_left_out(text: str, html: str, content: EmailContent) -> None:
    harness = RouterHarness(build_policy(templates=[*TEMPLATES, Template("t", 1, "email", "default", "s", text, html)]))
    await harness.route(build_notification(template="t", channels=["email"]))
    assert harness.deliveries[0].content == content
