"""Escalation: one channel after the other, each once, until one has arrived; whatever is read again or not known meanwhile."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.channels import ChannelName
from schemas.delivery import NextStep
from schemas.enums import Status
from schemas.events import DeliveryRef, EngagementEvent, StatusEvent
from schemas.history import HistoryBatch
from schemas.policy import EscalateUnless, RateLimit, Rule
from schemas.profile import QuietHours
from schemas.scheduled import Scheduled
from tests.event_builders import build_history_batch, build_report
from tests.unit.agents.router.harness import NOW, USER_ID, USER_PARTITION, RouterHarness, build_notification, build_policy, build_release

CHANNELS: tuple[ChannelName, ...] = ("push", "email", "sms")
RULE = Rule("order.shipped", "marketing", None, CHANNELS, "escalate", "shipped", quiet_hours="ignore", escalate_after=600)


class EscalationHarness(RouterHarness):
    """A router whose decisions a recorder records, and the statuses of the deliveries that a test gives them."""

    def __init__(self, rule: Rule = RULE, *limits: RateLimit) -> None:
        super().__init__(build_policy([rule], limits=limits))

    async def start(self, **fields: Any) -> None:
        """Route the notification for the first time, and record it."""
        await self.route(build_notification(**fields))
        await self.record()

    async def step(self, **statuses: Status) -> None:
        """Record these statuses, then release the next step at its time, again if it waits for the recorder, and record the decisions."""
        await self.record(**statuses)
        await self.release()
        await self.record()
        if self.last_state[1] == "status_unknown":
            await self.release()
            await self.record()

    async def record(self, **statuses: Status) -> None:
        """Record all decisions, and statuses by channel."""
        refs = {ref.channel: ref for event in self.decided_events for ref in event.deliveries}
        events = [self._build_status(refs[channel], status) for channel, status in statuses.items()]  # type: ignore[index]
        for decided in self.decided_events:
            await self.history.write(build_history_batch(decided))
        await self.history.write(build_history_batch(*events))

    async def report_opening(self, channel: ChannelName, at: float) -> None:
        """Record that a delivery was opened."""
        (delivery,) = (delivery for delivery in self.deliveries if delivery.channel == channel)
        await self.record(**{channel: Status.SENT})
        await self.history.write(HistoryBatch(reports=[build_report(EngagementEvent(delivery.id, channel, "p", "k", "open", at))]))

    def change_profile(self, **fields: Any) -> None:
        """Change the user."""
        self.profiles.profiles[USER_ID] = msgspec.structs.replace(self.profiles.profiles[USER_ID], **fields)

    def _build_status(self, ref: DeliveryRef, status: Status) -> StatusEvent:
        return StatusEvent(ref.id, self.decided_events[0].id, USER_ID, ref.channel, status, self.now, NOW)

    @property
    def channels(self) -> list[str]:
        """The channels of the deliveries, each once, in order."""
        return list(dict.fromkeys(delivery.channel for delivery in self.deliveries))


async def test_the_next_channel_follows_after_the_time_and_none_after_the_last() -> None:
    harness = EscalationHarness()
    await harness.start()
    assert harness.channels == ["push"]
    assert harness.get_entry("channels").inputs == {
        "strategy": "escalate",
        "channels": ["push"],
        "next": ["email", "sms"],
        "escalates_at": NOW + 600,
    }
    await harness.step(push=Status.SENT)
    assert (harness.channels, harness.now) == (["push", "email"], NOW + 601)
    assert harness.get_entry("escalation").inputs["statuses"] == {"push": ["SENT"]}
    await harness.step(email=Status.FAILED)
    assert (harness.channels, harness.now) == (["push", "email", "sms"], NOW + 1205), "each wait is longer"
    assert {event.state for event in harness.decided_events} == {"routed"}
    assert [event.reason for event in harness.decided_events] == ["", "status_unknown", "", "status_unknown", ""]
    assert len(harness.get_records("scheduled.medium")) == 4
    assert "escalates_at" not in harness.get_entry("channels").inputs


@pytest.mark.parametrize(
    ("unless", "status", "is_stopped"),
    [
        ("delivered", Status.DELIVERED, True),
        ("delivered", Status.SENT, False),
        ("delivered", Status.BOUNCED, False),
        ("sent", Status.DELIVERED, True),
        ("sent", Status.SENT, True),
        ("sent", Status.FAILED, False),
        ("sent", Status.UNSUBSCRIBED, False),
    ],
)
async def test_what_has_arrived_goes_no_further(unless: EscalateUnless, status: Status, is_stopped: bool) -> None:
    harness = EscalationHarness(msgspec.structs.replace(RULE, escalate_unless=unless))
    await harness.start()
    await harness.step(push=status)
    assert harness.channels == (["push"] if is_stopped else ["push", "email"])
    assert harness.last_state == ("routed", unless if is_stopped else "")
    assert len(harness.get_records("scheduled.medium")) == (1 if is_stopped else 3)
    if is_stopped:
        assert harness.decided_events[-1].decision_log[-1].inputs == {"by": ["push"], "statuses": {"push": [status]}}
        assert harness.routed_batches[-1].states == {("routed", unless): 1}


async def test_what_was_opened_goes_no_further_if_the_rule_asks_for_that() -> None:
    harness = EscalationHarness(msgspec.structs.replace(RULE, escalate_unless="read"))
    await harness.start()
    await harness.step(push=Status.DELIVERED)
    assert harness.channels == ["push", "email"], "delivered is not read"
    entry = harness.get_entry("escalation")
    assert (entry.inputs["unless"], entry.inputs["at"]) == ("read", harness.now)
    await harness.report_opening("email", at=NOW + 700)
    await harness.step()
    assert (harness.channels, harness.last_state) == (["push", "email"], ("routed", "read"))
    inputs = harness.decided_events[-1].decision_log[-1].inputs
    assert (inputs["by"], inputs["read_at"]) == (["email"], NOW + 700)


async def test_what_the_app_has_marked_as_read_goes_no_further_on_any_channel() -> None:
    harness = EscalationHarness(msgspec.structs.replace(RULE, escalate_unless="read"))
    await harness.start()
    await harness.history.mark(harness.decided_events[0].id, USER_ID, NOW + 30)
    await harness.step(push=Status.SENT)
    assert (harness.channels, harness.last_state) == (["push"], ("routed", "read"))
    inputs = harness.decided_events[-1].decision_log[-1].inputs
    assert (inputs["by"], inputs["read_at"]) == ([], NOW + 30)


async def test_that_it_was_opened_ends_no_escalation_that_asks_for_less() -> None:
    harness = EscalationHarness()
    await harness.start()
    await harness.history.mark(harness.decided_events[0].id, USER_ID, NOW + 30)
    await harness.step(push=Status.SENT)
    assert harness.channels == ["push", "email"]


async def test_consent_and_expiry_are_judged_again_and_what_ends_it_leaves_it_routed() -> None:
    harness = EscalationHarness()
    await harness.start()
    harness.change_profile(choices={"marketing/": "out"})
    await harness.step()
    assert (harness.channels, harness.last_state) == (["push"], ("routed", "opted_out"))


async def test_the_next_step_waits_for_the_end_of_quiet_hours_and_asks_again_then() -> None:
    harness = EscalationHarness(msgspec.structs.replace(RULE, quiet_hours="hold"))
    await harness.start()
    harness.change_profile(quiet_hours=QuietHours("08:00", "20:00"))
    await harness.step()
    assert (harness.channels, harness.last_state) == (["push"], ("routed", "quiet_hours"))
    harness.change_profile(quiet_hours=None)
    await harness.step(push=Status.DELIVERED)
    assert (harness.channels, harness.last_state) == (["push"], ("routed", "delivered"))
    assert [event.reason for event in harness.decided_events] == ["", "status_unknown", "quiet_hours", "delivered"]


async def test_a_step_counts_in_the_limits_of_its_channel_and_not_again_in_those_over_all() -> None:
    harness = EscalationHarness(RULE, RateLimit("", 1, 86_400), RateLimit("email", 1, 86_400))
    await harness.start()
    await harness.step()
    assert harness.channels == ["push", "email"]
    await harness.route(build_notification(id=None, channels=["email"]))
    assert harness.last_state == ("rejected", "rate_limited")
    entry = harness.get_entry("rate_limit").inputs
    assert (entry["all channels"]["used_count"], entry["email"]["used_count"]) == (1, 1)


async def test_a_step_does_not_wait_for_room_in_a_limit_that_has_counted_the_notification() -> None:
    harness = EscalationHarness(RULE, RateLimit("", 1, 60))
    await harness.start()
    harness.now = NOW + 590
    await harness.route(build_notification(id=None, channels=["sms"]))
    await harness.step()
    assert harness.channels == ["push", "sms", "email"]


async def test_a_full_channel_is_left_out() -> None:
    harness = EscalationHarness(RULE, RateLimit("email", 1, 86_400))
    await harness.route(build_notification(id=None, channels=["email"]))
    await harness.start()
    await harness.step()
    assert harness.channels[1:] == ["push", "sms"]


async def test_what_would_expire_before_its_next_step_has_none() -> None:
    harness = EscalationHarness()
    await harness.start(expires_at=NOW + 600)
    assert (harness.channels, harness.get_records("scheduled.medium")) == (["push"], [])
    assert "next" not in harness.get_entry("channels").inputs


async def test_a_user_with_one_channel_gets_one_message() -> None:
    harness = EscalationHarness()
    await harness.start(channels=["email", "webhook"])
    assert (harness.channels, harness.get_records("scheduled.medium")) == (["email"], [])


async def test_the_only_delivery_of_a_step_knows_the_next_one() -> None:
    harness = EscalationHarness()
    await harness.start(to={"push": "token-1", "email": "ada@example.org", "sms": "+12025550101"})
    await harness.step(push=Status.FAILED)
    await harness.step(email=Status.FAILED)
    scheduled = [msgspec.json.decode(record.value or b"", type=Scheduled) for record in harness.get_records("scheduled.medium")]
    first: dict[tuple[ChannelName, ...], int] = {}
    for entry in scheduled:
        first.setdefault(entry.routed_channels, entry.resume_count)
    assert [(delivery.channel, delivery.next_step) for delivery in harness.deliveries] == [
        ("push", NextStep("medium", first["push",])),
        ("email", NextStep("medium", first["push", "email"])),
        ("sms", None),
    ]


async def test_one_address_of_several_does_not_hurry_the_next_step() -> None:
    harness = EscalationHarness()
    await harness.start(to={"push": ["token-1", "token-2"], "email": "ada@example.org"})
    assert [delivery.next_step for delivery in harness.deliveries] == [None, None]


async def test_a_rule_that_does_not_escalate_any_more_ends_it() -> None:
    harness = EscalationHarness()
    await harness.start()
    harness.policies.policy = build_policy([msgspec.structs.replace(RULE, strategy="first", escalate_after=0)], limits=())
    await harness.step()
    assert (harness.channels, harness.last_state) == (["push"], ("routed", "no_escalation"))


async def test_what_cannot_be_rendered_is_a_dead_letter_and_the_notification_stays_routed() -> None:
    harness = EscalationHarness()
    await harness.start()
    policy = harness.policies.policy
    assert policy is not None
    others = [template for template in policy.templates if template.channel == "push"]
    harness.policies.policy = build_policy([RULE], others, limits=())
    await harness.step()
    assert harness.last_state == ("routed", "unknown_template")
    assert len(harness.get_records("notifications.dlq")) == 1
    assert harness.routed_batches[-1].states == {("dead", "unknown_template"): 1}


async def test_while_postgresql_does_not_answer_a_step_waits_and_holds_up_no_other() -> None:
    harness = EscalationHarness()
    await harness.start()
    harness.history.unavailable = True
    await harness.release()
    assert harness.last_state == ("routed", "status_unknown")
    assert harness.sleeps == []
    await harness.route(build_notification(id=None, channels=["email"]))
    assert harness.last_state == ("routed", "")
    harness.history.unavailable = False
    harness.now += 5
    await harness.release()
    assert harness.last_state == ("routed", "status_unknown"), "the recorder is behind: it has not recorded that the step waits"
    await harness.record(push=Status.DELIVERED)
    await harness.release()
    assert harness.last_state == ("routed", "delivered")


async def test_that_a_step_waited_says_nothing_of_the_next_step() -> None:
    harness = EscalationHarness()
    await harness.start()
    await harness.release()
    await harness.record()
    await harness.release()
    assert harness.channels == ["push", "email"]
    await harness.release()
    assert harness.last_state == ("routed", "status_unknown"), "the recorder has recorded the first wait only"


async def test_a_step_waits_until_the_decision_before_it_is_recorded_longer_each_time() -> None:
    harness = EscalationHarness()
    await harness.route(build_notification())
    waits = []
    for _ in range(12):
        at = harness.now
        await harness.release()
        waits.append(harness.now - at)
    assert harness.channels == ["push"]
    assert waits == [600, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    await harness.step()
    assert harness.channels == ["push", "email"]


@pytest.mark.parametrize("fields", [{"mandatory": True}, {"expires_after": 601}])
async def test_what_is_mandatory_or_about_to_expire_does_not_wait_for_the_statuses(fields: dict[str, Any]) -> None:
    harness = EscalationHarness(msgspec.structs.replace(RULE, **fields))
    await harness.start()
    harness.history.unavailable = True
    await harness.release()
    assert harness.channels == ["push", "email"]
    assert harness.get_entry("escalation").reason == "status_unknown"


@settings(max_examples=60)
@given(
    st.permutations(CHANNELS),
    st.sets(st.sampled_from(CHANNELS), min_size=1),
    st.fixed_dictionaries(
        {channel: st.sampled_from([Status.PENDING, Status.SENT, Status.FAILED, Status.DELIVERED]) for channel in CHANNELS}
    ),
    st.lists(st.sampled_from(["", "copied", "lost"]), min_size=3, max_size=3),
)
async def test_each_usable_channel_once_in_order_until_one_delivers(
    order: list[ChannelName], usable: set[ChannelName], statuses: dict[str, Status], replays: list[str]
) -> None:
    """The model: the usable channels up to the first that delivers. Releases are read again, also by a router that lost its rows."""
    harness = EscalationHarness(msgspec.structs.replace(RULE, channels=tuple(order)))
    addresses = {channel: found for channel, found in harness.profiles.profiles[USER_ID].addresses.items() if channel in usable}
    harness.change_profile(addresses=addresses)
    await harness.start()
    for replay in replays:
        scheduled = harness.get_records("scheduled.medium")
        if not scheduled:  # the only channel
            break
        last, rows = harness.channels[-1], dict(harness.idempotency.rows[USER_PARTITION])
        await harness.step(**{last: statuses[last]})
        if replay == "lost":
            harness.idempotency.rows[USER_PARTITION] = rows
        if replay:
            await harness.route(build_release(scheduled[-1]))
    expected = [channel for channel in order if channel in usable]
    first = next((number for number, channel in enumerate(expected) if statuses[channel] is Status.DELIVERED), len(expected))
    assert harness.channels == expected[: first + 1]
    assert len({delivery.id for delivery in harness.deliveries}) == sum(len(addresses[channel]) for channel in expected[: first + 1])
