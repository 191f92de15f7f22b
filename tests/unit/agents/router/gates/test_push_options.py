"""The options of a notification's push messages: from the submission to what FCM gets."""

from typing import Any

import msgspec
import pytest

from agents.providers.fcm import Fcm
from agents.router.content_digest import compute_content_digest
from dev.simulators.fcm import FcmSimulator
from dev.simulators.protocol import ServerRequest
from schemas.delivery import Delivery
from schemas.http import HttpRequest
from schemas.notification import Notification
from schemas.policy import Policy, Rule, Template
from tests.unit.agents.providers.test_fcm import FixedToken
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import RouterHarness, build_notification
from tests.unit.dev.simulators.request_builders import BEARER_HEADERS, get_response, get_targets

GOAL = Template("goal", 1, "push", "default", "Goal!", "It is 1:0.", options='{"badge":2,"sound":"goal"}')
PLAIN = Template("plain", 1, "push", "default", "Goal!", "It is 1:0.")
OPTIONS = {"collapse_key": "match-7", "priority": "high", "urgency": "high", "badge": 0, "channel_id": "scores", "category": "MATCH"}


async def route(template: str, **fields: Any) -> list[Delivery]:
    rules = {**POLICY.rules, "match.goal": Rule("match.goal", "transactional", "low", ("push", "email"), template=template)}
    harness = RouterHarness(Policy(rules, (*POLICY.templates, GOAL, PLAIN), (), 1))
    notification = {"type": "match.goal", "template": template, "channels": ["push"], "to": {"push": "device-7"}, **fields}
    await harness.route(build_notification(**notification))
    return harness.deliveries


def send_to_simulator(delivery: Delivery) -> tuple[int, dict[str, Any]]:
    """The simulated FCM's status, and the message that it got."""
    request = Fcm("https://fcm.googleapis.com", "shop", FixedToken()).build_request(delivery, 0, delivery.created_at)
    assert isinstance(request, HttpRequest)
    received = ServerRequest(b"POST", b"/v1/projects/shop/messages:send", b"", BEARER_HEADERS, request.body)
    assert get_targets(FcmSimulator(), received) == [(delivery.id, delivery.address)]
    return get_response(FcmSimulator(), received).status, msgspec.json.decode(request.body)["message"]


async def test_fcm_gets_the_options_of_the_notification_over_those_of_its_template() -> None:
    (delivery,) = await route("goal", push=OPTIONS)
    status, message = send_to_simulator(delivery)
    assert status == 200
    assert message["android"]["priority"] == "HIGH"
    assert message["android"]["notification"] == {"tag": "match-7", "sound": "goal", "channel_id": "scores", "notification_count": 0}
    assert (message["apns"]["headers"]["apns-collapse-id"], message["apns"]["headers"]["apns-priority"]) == ("match-7", "10")
    assert message["apns"]["payload"]["aps"] == {"sound": "goal", "badge": 0, "category": "MATCH"}
    assert (message["webpush"]["headers"]["Urgency"], message["webpush"]["notification"]) == ("high", {"tag": "match-7"})


async def test_a_template_without_options_has_those_of_the_notification_only() -> None:
    (delivery,) = await route("plain", push={"collapse_key": "match-7"})
    status, message = send_to_simulator(delivery)
    assert (status, message["android"]["notification"]) == (200, {"tag": "match-7"})
    (without,) = await route("plain")
    assert send_to_simulator(without)[1]["android"]["notification"] == {"tag": without.notification_id}


async def test_other_channels_leave_them_out() -> None:
    (delivery,) = await route("shipped", channels=["email"], to={"email": "a@example.org"}, data={"order": 17, "name": "Ada"}, push=OPTIONS)
    assert delivery.channel == "email"
    assert b"match-7" not in msgspec.json.encode(delivery)


@pytest.mark.parametrize("options", [{"collapse_key": "match-8"}, {"badge": 1}, None])
def test_they_are_part_of_what_a_notification_says(options: dict[str, Any] | None) -> None:
    notifications = [{"user_id": "u-1", "type": "t", "push": push} for push in (options, {"collapse_key": "match-7"})]
    digests = {compute_content_digest(msgspec.convert(one, Notification)) for one in notifications}
    assert len(digests) == 2
