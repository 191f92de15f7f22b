"""The records that a notification in a digest writes for the digest: for the scheduler, which holds it, and for the history."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from agents.router.digests import Join
from agents.router.gates.expiry import compute_expiry
from agents.router.routing_plan import RoutingPlan
from agents.router.routing_state import RoutingState
from schemas.enums import State
from schemas.events import DecidedEvent, GateResult
from schemas.notification import Notification
from schemas.scheduled import Reschedule, Scheduled
from schemas.sealed_records import seal_notification
from tables.digests import DigestRow

_encode = msgspec.json.Encoder().encode


def build_digest_records(state: RoutingState, plan: RoutingPlan, join: Join, gate: str, reason: str) -> Iterator[tuple[str, bytes]]:
    """The records by topic: the digest, unless it is scheduled, and the moves. The scheduler reads them in this order."""
    row, topics = join.row, state.topics
    if not join.is_scheduled:
        scheduled = _build_scheduled(state, plan, join, row, gate)
        yield topics.all_scheduled[row.priority], _encode(scheduled)
        yield topics.status, _encode(_build_held_event(state, scheduled, row, gate, reason))
    for digest_id, moved in join.moves.items():
        reschedule = Reschedule(digest_id, state.notification.user_id, moved.ends_at)
        yield topics.all_scheduled[moved.priority], _encode(reschedule)


def _build_scheduled(state: RoutingState, plan: RoutingPlan, join: Join, row: DigestRow, gate: str) -> Scheduled:
    """The digest as the scheduler holds it, without what is in it; each in its window would build the same."""
    one, rule = state.notification, plan.rule
    digest = Notification(
        user_id=one.user_id,
        type=one.type,
        id=join.digest_id,
        category=one.category,
        channels=one.channels,
        template=(rule.digest.template if rule.digest else "") or one.template,
        locale=one.locale,
        to=one.to,
        send_at=row.ends_at,
        digest=row.key or None,
        mandatory=one.mandatory,
        created_at=row.started_at,
        is_test=one.is_test,
    )
    if state.sealer is not None and digest.to:
        digest = seal_notification(digest, state.sealer, join.digest_id)
    return Scheduled(
        id=join.digest_id,
        user_id=one.user_id,
        due_at=row.ends_at,
        target_topic=state.topics.all_inputs[row.priority],
        payload=Raw(_encode(digest)),
        resume_count=1,
        resume_gate=gate,
        record_time=round(row.started_at * 1000),
        category=one.category or rule.category,
        expires_at=compute_expiry(None, row.ends_at, rule.expires_after),
        is_digest=True,
    )


def _build_held_event(state: RoutingState, scheduled: Scheduled, row: DigestRow, gate: str, reason: str) -> DecidedEvent:
    inputs = {"until": row.ends_at, "first": state.id, **({"key": row.key} if row.key else {})}
    return DecidedEvent(
        scheduled.id,
        scheduled.user_id,
        State.HELD,
        state.now,
        row.started_at,
        row.priority,
        row.type,
        scheduled.category,
        reason,
        decision_log=[GateResult(gate, "hold", reason, inputs)],
        expires_at=scheduled.expires_at,
        is_test=state.notification.is_test,
    )
