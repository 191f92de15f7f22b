"""As what notifications are counted: a producer's free text gets no labels of its own."""

import pytest

from agents.router.gates import decode, idempotency, repartition, rule
from agents.router.gates.digest_words import LOST
from schemas.history_counts import REASONS_WITHOUT_RULE, get_notification_labels
from tests.event_builders import build_decided_event, build_decided_row

WITH_RULE = {rule.CONDITION, rule.INVALID_RULE}


def test_the_reasons_without_a_rule_are_those_of_the_gates_before_it() -> None:
    before = {reason for gate in (decode.GATE, repartition.GATE, idempotency.GATE, rule.GATE) for reason in gate.reasons}
    assert before - WITH_RULE | {LOST} == REASONS_WITHOUT_RULE


@pytest.mark.parametrize("reason", sorted(REASONS_WITHOUT_RULE))
def test_what_was_stopped_before_its_rule_is_counted_as_other(reason: str) -> None:
    row = build_decided_row(build_decided_event(1, reason=reason, type="free-text", category="free", user_id="@acme/u-1"))
    assert get_notification_labels(row) == ("acme", "other", "other", "high", "", False)


@pytest.mark.parametrize("reason", ["", "expired", "opted_out", *sorted(WITH_RULE)])
def test_what_has_a_rule_is_counted_as_its_type_and_category(reason: str) -> None:
    row = build_decided_row(build_decided_event(1, reason=reason))
    assert get_notification_labels(row) == ("", "order.shipped", "transactional", "high", "", False)
