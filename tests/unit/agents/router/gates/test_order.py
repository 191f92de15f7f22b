"""The order of the gates decides which of several reasons is given."""

from typing import Any

import pytest

from agents.router.gates.order import ALL_GATES, REASONS, REMEDIES
from agents.router.gates.wording import Facts, write_sentence
from schemas.enums import Reason, State
from schemas.events import DecidedEvent
from tests.unit.agents.router.harness import NOW, USER_PARTITION, RouterHarness, build_notification, make_notification_id

EXPIRED = {"expires_at": NOW - 1}
DUPLICATE = {"id": make_notification_id(9), "idempotency_key": "k"}
UNKNOWN = {"type": "nobody.knows"}
AWAY = (USER_PARTITION + 1) % 4


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"digest": "", **DUPLICATE}, "invalid"),
        ({**DUPLICATE, **EXPIRED, **UNKNOWN}, "duplicate_with_other_content"),
        ({**EXPIRED, **UNKNOWN}, "unknown_type"),
        ({**EXPIRED, "template": "none"}, "expired"),
        ({**UNKNOWN, "template": "none"}, "unknown_type"),
        ({"channels": ["webhook"], "template": "none"}, "no_address"),
        ({"channels": ["sms"], "template": "none"}, "rate_limited"),
        ({"template": "none"}, "unknown_template"),
    ],
)
async def test_the_first_gate_that_stops_gives_the_reason(fields: dict[str, Any], reason: str) -> None:
    harness = RouterHarness()
    for number in (1, 2):  # the channel sms is full then, and the key is taken
        await harness.route(
            build_notification(id=make_notification_id(number), channels=["sms"], idempotency_key="k" if number == 1 else None)
        )
    await harness.route(build_notification(**{"id": make_notification_id(3), **fields}))
    assert harness.decided_events[-1].reason == reason


async def test_repartition_comes_before_any_row() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(**EXPIRED), partition=AWAY)
    assert harness.decided_events == []
    assert harness.routed_batches[0].repartitioned == 1


def test_each_gate_has_a_name_of_its_own_and_each_reason_one_gate() -> None:
    names = [gate.name for gate in ALL_GATES]
    reasons = [reason for gate in ALL_GATES for reason in gate.reasons]
    assert len(set(names)) == len(names)
    assert len(set(reasons)) == len(reasons)
    assert set(reasons) | {Reason.UNEXPECTED_ERROR} == set(REASONS)


def test_the_explanation_of_a_reason_needs_no_more_than_the_event_has() -> None:
    event = DecidedEvent("ntf_1", "u", State.REJECTED, NOW, NOW, "low", "order.shipped", duplicate_of="ntf_2")
    for sentence in (*REASONS.values(), *REMEDIES.values()):
        assert write_sentence(sentence, Facts(event)) is not None


def test_each_reason_says_what_would_have_changed_it() -> None:
    for gate in ALL_GATES:
        assert set(gate.remedies) == set(gate.reasons), gate.name
