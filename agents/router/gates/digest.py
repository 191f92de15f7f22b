"""The gate digest: a notification of a rule that gathers them joins a digest; the digest itself has them in its data when it comes back.

It is before quiet hours and the rate limit: these judge what is sent, the digest, and not each notification in it. A digest comes back as a
held notification does, and all gates judge it; this one is its second, so that the others see what is in it. Until it is decided its window
stays open: what comes while quiet hours hold it joins too.
"""

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from agents.router.digest_records import build_digest_records
from agents.router.digests import (
    Gathered,
    Join,
    build_digest_data,
    close_digest,
    compute_fingerprint,
    find_join,
    gather,
    is_gathered_in,
    join_digest,
    open_gathered,
    seal_event,
    stage_join,
)
from agents.router.gates.digest_words import CANCELLED, DIGEST, HAS_ATTACHMENTS, IGNORED, LOST, NOT_CHOSEN, OFF, REASONS, REMEDIES, describe
from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.recipient import is_address
from agents.router.gates.rule_inputs import MAX_SHOWN, read_values
from agents.router.routing_plan import RoutingPlan
from agents.router.routing_state import GateContext, RoutingState
from agents.router.templates.channel_content import INVALID_VARIABLES, select_template
from agents.router.verdict import PASS, REPLAY, Hold, Merge, Reject, Repartition, Replay, Verdict, build_dead_letter_verdict
from schemas.digests import find_digest_choice, find_window_end, is_gathered
from schemas.enums import Reason
from schemas.errors import ErasedError, SealError
from schemas.policy import DigestPolicy
from schemas.profile import Profile
from schemas.record_size import compute_batch_size
from schemas.timestamps import to_epoch_seconds
from schemas.topics import MAX_DELIVERY_BYTES
from tables.digests import DigestEvent, DigestRow, encode_event_row
from tables.idempotency import decode_unexpired_row, encode_digest_key_suffix, encode_row_fields

NAME = "digest"

_NOBODY = Profile(user_id="", known=False)
_PASSED = encode_pass(NAME, "no_digest")


def prefetch(state: RoutingState) -> None:
    """Note the key of the row that says into which digest it went, and that the user's choice is needed."""
    plan, state.digest_row_key = state.plan, b""  # a parked notification is prepared again, perhaps for another rule
    if not state.is_digest and (plan is None or plan.rule.digest is None):
        return
    state.digest_row_key = state.user_key + encode_digest_key_suffix(state.id)
    state.join, state.digest_records = None, ()
    if not state.is_digest and not is_address(state.notification.user_id):
        state.needs_profile = state.reads_profile = True


def recall(state: RoutingState, context: GateContext) -> Verdict:
    """Merge a notification that is in a digest already, before any gate can judge it anew: a replay after a crash."""
    state.is_recalled = True  # also if this fails: the gates before have not judged it
    row = decode_unexpired_row(context.rows.idempotency[state.digest_row_key], state.row_time)
    if row is not None and is_gathered_in(context.rows.digests, state.user_key, row.notification_id, state.id):
        return Merge(row.notification_id, DIGEST)
    assert state.plan is not None
    join = find_join(context.rows.digests, state.user_key, state.id)
    if join is None:
        state.is_recalled = False
        return PASS
    return _merge(state, state.plan, join, {})


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Merge a notification that is gathered into its digest; pass a digest that has come back, with all that is in it."""
    plan = state.plan
    if state.is_digest:
        return _open(state, context)
    assert plan is not None
    if (policy := plan.rule.digest) is None:
        if state.notification.digest is not None:
            state.digest_reason = IGNORED
        return PASS
    if state.routed_channels:  # the next step of one that was sent alone
        return PASS
    if state.notification.attachments:  # a digest renders what is in the data of its notifications
        state.digest_reason = HAS_ATTACHMENTS
        return PASS
    profile = context.profiles.get(state.notification.user_id, _NOBODY) if state.reads_profile else _NOBODY
    choice = find_digest_choice(profile.digests, state.notification.category or plan.rule.category)
    if not is_gathered(policy, choice):
        state.digest_reason = OFF if choice else NOT_CHOSEN
        return PASS
    return _join(state, context, plan, policy, find_window_end(policy, choice, profile.time_zone, state.now))


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: why it is sent alone; of a digest, what is in it."""
    if not state.is_digest:
        return encode_pass(NAME, state.digest_reason) if state.digest_reason else _PASSED
    return encode_pass(NAME, "", _describe(state.gathered)) if state.gathered else _PASSED


def stage(state: RoutingState, verdict: Verdict, context: GateContext) -> None:
    """Stage the rows of a notification that joined, and the end of a digest that is decided."""
    if verdict is PASS and not state.is_digest:
        return
    if state.is_digest:
        if not isinstance(verdict, Hold | Replay | Repartition):
            _close(state, context, has_next_step=verdict is PASS and bool(state.escalates_at))
    elif state.digest_row_key and isinstance(verdict, Merge) and state.join is not None:
        stage_join(context.rows.digests, state.user_key, state.join)


GATE = Gate(NAME, check, explain, prefetch=prefetch, stage=stage, reasons=REASONS, remedies=REMEDIES, describe=describe)
RECALL = Gate(NAME, recall, explain)
"""What is checked first of a notification whose rule gathers them."""


def _join(state: RoutingState, context: GateContext, plan: RoutingPlan, policy: DigestPolicy, ends_at: float) -> Verdict:
    """Merge the notification into a digest, if the digest could be sent with it."""
    notification = state.notification
    name = policy.template or select_template(notification, plan.rule)
    violation = context.policy.templates.find_violation(name, build_digest_data(notification.data, [notification.data]))
    if violation is not None:
        error = f"template {name}: {violation.problem} - at {violation.path}"
        return build_dead_letter_verdict(INVALID_VARIABLES, error, template=name, path=violation.path)
    key, fault = _find_key(state, context, plan)
    fingerprint = compute_fingerprint(notification, plan.rule, key, state.topics.priority)
    shown_key = key[:MAX_SHOWN].replace("\0", "\ufffd")  # PostgreSQL's JSON cannot hold it
    started_at, priority = state.row_time, state.topics.priority
    row = DigestRow(notification.type, shown_key, fingerprint.hex(), started_at, ends_at, priority, 0, 0)
    event = DigestEvent(0, state.id, state.created_at, _find_expiry(state, plan), notification.data)
    size = len(encode_event_row(event))
    if state.sealer is not None:
        event = seal_event(event, state.sealer)
    join = join_digest(context.rows.digests, state.user_key, row, event, size, policy.max_count, state.now)
    return _merge(state, plan, join, {"key_fault": fault} if fault else {})


def _merge(state: RoutingState, plan: RoutingPlan, join: Join, inputs: dict[str, Any]) -> Verdict:
    records = tuple(build_digest_records(state, plan, join, NAME, DIGEST))
    for _, value in records:
        if compute_batch_size(state.user_key, value, ()) > MAX_DELIVERY_BYTES:
            return build_dead_letter_verdict(Reason.TOO_LARGE, f"{len(value)} bytes leave no room to hold the digest that begins with it")
    state.join, state.digest_records, row = join, records, join.row
    inputs = {"sent_at": row.ends_at, "number": join.event.number, **({"key": row.key} if row.key else {}), **inputs}
    return Merge(join.digest_id, DIGEST, inputs)


def _find_key(state: RoutingState, context: GateContext, plan: RoutingPlan) -> tuple[str, str]:
    """What tells the digests of a user and type apart; with the fault if the rule's expression gives no text."""
    expression = plan.expressions.digest_key if plan.expressions else None
    if expression is None:
        return state.notification.digest or "", ""
    return expression.evaluate_text(read_values(state, context, expression.names))


def _find_expiry(state: RoutingState, plan: RoutingPlan) -> float:
    """When the notification expires by itself or by its rule; 0 if nothing says it: it may wait as long as its digest."""
    notification = state.notification
    if notification.expires_at is not None:
        return to_epoch_seconds(notification.expires_at)
    return state.expires_at if plan.rule.expires_after else 0.0


def _open(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a digest with what is in it, if it is to be sent and anything in it still is."""
    gathered = state.gathered = gather(context.rows.digests, state.user_key, state.id, state.now)
    if gathered is not None:
        try:
            gathered = state.gathered = open_gathered(gathered, state.opener)
        except ErasedError:
            return Reject(Reason.ERASED, _describe(gathered))
        except SealError as error:
            return build_dead_letter_verdict(Reason.SEAL_BROKEN, str(error))
    if gathered is None:
        if context.rows.idempotency[state.digest_row_key] is not None:
            return REPLAY
        return build_dead_letter_verdict(LOST, "the worker's tables do not have this digest")
    events = gathered.events or gathered.expired
    if events:
        data = build_digest_data(events[0].data, [event.data for event in events])
        state.notification = replace(state.notification, data=data)
    if state.is_cancelled:
        return Reject(CANCELLED, _describe(gathered))
    if not gathered.events:
        expires_at = max((event.expires_at for event in gathered.expired), default=state.now)
        return Reject(Reason.EXPIRED, {**_describe(gathered), "expires_at": expires_at, "now": state.now})
    return PASS


def _describe(gathered: Gathered) -> dict[str, Any]:
    row, left_out = gathered.row, [event.id for event in gathered.expired]
    inputs = {"count": len(gathered.events), "cause": row.cause, **({"key": row.key} if row.key else {})}
    return {**inputs, "events": [event.id for event in gathered.events], **({"expired": left_out} if left_out else {})}


def _close(state: RoutingState, context: GateContext, *, has_next_step: bool) -> None:
    """Claim that the digest and all in it are decided, and remove the rows.

    They stay if the digest comes back for the next step of an escalation; or if they could not be read, because of an error.
    """
    gathered, rows = state.gathered, context.rows
    close_digest(rows.digests, state.user_key, state.id, keep_events=gathered is None or has_next_step)
    ids = [event.id for event in (*gathered.events, *gathered.expired)] if gathered else []
    row = encode_row_fields(state.id, state.row_time, state.topics.priority, state.partition, state.record.offset)
    for notification_id in (state.id, *ids):
        rows.stage_claim(state.user_key + encode_digest_key_suffix(notification_id), row)
