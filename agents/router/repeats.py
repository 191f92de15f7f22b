"""The idempotency gate: the same notification again says nothing; another one with the key of an earlier one is refused."""

from agents.router.case import SEEN, Case, Desk, Ending, passed, refused
from schemas.words import Reason
from tables import idempotency

GATE = "idempotency"

PASSED = passed(GATE)


def prepare(case: Case) -> None:
    """Note the key of the case's row, and that of its claim if it has a key that others may have."""
    key = case.notification.idempotency_key
    case.first_key = case.user + idempotency.key_end(key or case.id)
    if key is not None:
        case.claim_key = case.user + idempotency.claim_key_end(key)


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification that is the first with its key for 24 h of broker time, whatever the clock says when it is read again."""
    row = desk.rows.first[case.first_key]
    if row is None and not case.claim_key:  # nearly always
        return None
    first = idempotency.first_of(row, case.at) or _claimed(case, desk)
    if first is None:
        return None
    if first.id == case.id:
        return SEEN
    place = {"lane": first.lane, "partition": first.partition, "offset": first.offset, "at": first.at}
    return refused(GATE, Reason.DUPLICATE, {"key": case.notification.idempotency_key, "first_id": first.id, **place}, first.id)


def _claimed(case: Case, desk: Desk) -> idempotency.First | None:
    """Another one that has claimed the key: its outputs may be out, and nobody else can be the first any more."""
    if not case.claim_key:
        return None
    first = idempotency.first_of(desk.rows.first[case.claim_key], case.at)
    return first if first is not None and first.id != case.id else None


def stage(case: Case, desk: Desk) -> None:
    """Make this notification the first with its key."""
    row = row_of(case)
    desk.rows.stage_first(case.first_key, row)
    if case.claim_key:
        desk.rows.stage_claim(case.claim_key, row)


def row_of(case: Case) -> bytes:
    """The row that makes this notification the first with its key."""
    source = case.source
    return idempotency.row_of(case.id, case.at, source.lane, case.partition, case.record.offset)
