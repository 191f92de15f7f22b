"""The owner gate: a record on another partition than its user's goes once to the right one, and dies if that is wrong too."""

import msgspec
from msgspec import Raw

from agents.router.case import Case, Ending, Forward, dead, passed
from agents.router.decode import FIRST_SEEN
from schemas.errors import UNREADABLE
from schemas.ids import partition_of_key
from schemas.ports import Header
from schemas.sizes import batch_size
from schemas.topics import MAX_NOTIFICATION_BYTES
from schemas.words import Reason

GATE = "owner"
HOP = "herold-hop"

PASSED = passed(GATE)
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def gate(case: Case, partitions: int) -> Ending | None:
    """Pass a record that is where its user is."""
    owner = partition_of_key(case.user, partitions)
    if owner == case.partition:
        return None
    if any(name == HOP for name, _ in case.record.headers):
        error = f"forwarded once already, and partition {case.partition} is not the user's, {owner}: do all workers count {partitions}?"
        return dead(GATE, Reason.WRONG_PARTITION, error)
    return _forwarded(case, owner)


def headers_of(case: Case) -> list[Header]:
    """The producer's own headers, the hop, and the time the record had at first (milliseconds)."""
    return [*case.record.headers, (HOP, b"1"), (FIRST_SEEN, b"%d" % case.record.timestamp)]


def _forwarded(case: Case, owner: int) -> Ending:
    try:
        fields = _fields(case.record.value or b"{}")
    except UNREADABLE as unreadable:  # what a notification does not know was skipped unread
        return dead(GATE, Reason.UNDECODABLE, str(unreadable))
    fields["id"] = Raw(_encode(case.id))
    value = _encode(fields)
    if batch_size(case.user, value, headers_of(case)) > MAX_NOTIFICATION_BYTES:
        error = f"with its id stamped in, {len(value)} bytes leave no room to forward it to its user's partition"
        return dead(GATE, Reason.TOO_LARGE, error)
    return Forward(owner, value)
