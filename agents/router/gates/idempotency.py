"""The gate idempotency: a replayed notification changes nothing; another one with the key of an earlier one is rejected."""

from msgspec import Raw

from agents.router.content_digest import compute_content_digest
from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.wording import Facts, write_sentence
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, REPLAY, Hold, Reject, Replay, Verdict
from tables import idempotency

NAME = "idempotency"
DUPLICATE = "duplicate"
OTHER_CONTENT = "duplicate_with_other_content"
TEST_KEY = "\0test"  # no key has the character NUL

_PASSED = encode_pass(NAME)


def prefetch(state: RoutingState) -> None:
    """Note the key of the notification's row, and of its claim if it has a key that others may have too."""
    if state.resume_count:  # the id: another notification may have its key again after 24 h, and be held as well
        state.idempotency_row_key = state.user_key + idempotency.encode_key_suffix(state.id, state.resume_count, state.redrive_count)
        return
    key = state.notification.idempotency_key
    if state.notification.is_test:  # or a test would make the live notification with its key or id a duplicate
        key = (key or state.id) + TEST_KEY
    if state.redrive_count:  # the key has its row from before, which would make it a replay
        state.idempotency_row_key = state.user_key + idempotency.encode_key_suffix(state.id, 0, state.redrive_count)
    else:
        state.idempotency_row_key = state.user_key + idempotency.encode_key_suffix(key or state.id)
    if key is not None:
        state.claim_row_key = state.user_key + idempotency.encode_claim_key_suffix(key)


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification that is the first with its key for 24 h of broker time, whatever the clock says when it is read again.

    Each time that it is resumed or redriven it has a row of its own, so that only a second copy of the same record is a replay.
    """
    row = context.rows.idempotency[state.idempotency_row_key]
    if row is None and not state.claim_row_key:  # the usual case
        return PASS
    first = idempotency.decode_unexpired_row(row, state.row_time) or _find_claim(state, context)
    if first is None:
        return PASS
    if first.notification_id == state.id:
        return idempotency.decode_hold_claim(row) or REPLAY
    inputs = {
        "key": state.notification.idempotency_key,
        "duplicate_of": first.notification_id,
        "priority": first.priority,
        "partition": first.partition,
        "offset": first.offset,
        "received_at": first.received_at,
    }
    return Reject(_find_reason(state, first), inputs, first.notification_id)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed."""
    return _PASSED


def stage(state: RoutingState, verdict: Verdict, context: GateContext) -> None:
    """Stage the row that makes this notification the first with its key, unless another one is or nothing was decided.

    A hold is claimed as well: after a crash the notification must not be routed at once, because its release may follow.
    """
    if not state.idempotency_row_key:
        return
    is_held = False
    if verdict is not PASS:
        if isinstance(verdict, Replay) or (isinstance(verdict, Reject) and verdict.duplicate_of):
            return
        is_held = isinstance(verdict, Hold)
    row = idempotency.encode_row_fields(state.id, state.row_time, state.topics.priority, state.partition, state.record.offset)
    if state.claim_row_key:
        row += compute_content_digest(state.notification)
        context.rows.stage_claim(state.claim_row_key, row)
    if is_held:
        assert isinstance(verdict, Hold)
        claim = idempotency.HoldClaim(state.stopped_at, verdict.until, verdict.reason, verdict.inputs)
        context.rows.stage_claim(state.idempotency_row_key, idempotency.encode_hold_claim(row, claim))
    context.rows.stage_idempotency(state.idempotency_row_key, row)


def describe(facts: Facts) -> str:
    """The key and the first notification with it."""
    if not facts.inputs:
        return "no earlier notification has its key"
    return write_sentence("the key is {key!r}; the first notification with it is {duplicate_of}, received at {received_at:time}", facts)


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    stage=stage,
    reasons={
        DUPLICATE: "the user has an earlier notification with this key: {duplicate_of}",
        OTHER_CONTENT: "the user has an earlier notification with the same key and other content: {duplicate_of}",
    },
    remedies={
        DUPLICATE: "nothing, if the first one arrived: a key counts once in 24 h; a message of its own needs a key of its own",
        OTHER_CONTENT: "the producer would have to give it a key of its own: a key counts once in 24 h",
    },
    describe=describe,
)


def _find_reason(state: RoutingState, first: idempotency.IdempotencyRow) -> str:
    """Whether the producer sent the same twice, or used a key for two things; an older release's row cannot say."""
    if not first.content_digest or first.content_digest == compute_content_digest(state.notification):
        return DUPLICATE
    return OTHER_CONTENT


def _find_claim(state: RoutingState, context: GateContext) -> idempotency.IdempotencyRow | None:
    """Another notification that has claimed the key: its outputs may be produced, so nobody else can be the first any more."""
    if not state.claim_row_key:
        return None
    first = idempotency.decode_unexpired_row(context.rows.idempotency[state.claim_row_key], state.row_time)
    return first if first is not None and first.notification_id != state.id else None
