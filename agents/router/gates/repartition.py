"""The gate repartition: a record on another partition than its user's is written once to the right one; the second time it is dead."""

import msgspec
from msgspec import Raw

from agents.router.gates.decode import REPARTITION_HEADER
from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.wording import Facts, describe_inputs
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Repartition, Verdict, build_dead_letter_verdict
from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.ids import compute_key_partition
from schemas.json_errors import BYTE_ORDER_MARK, describe_decode_error
from schemas.ports import Header
from schemas.record_size import compute_batch_size
from schemas.scheduled import ORIGINAL_TIME_HEADER
from schemas.sealed_records import seal_fields
from schemas.topics import MAX_NOTIFICATION_BYTES

NAME = "repartition"
WRONG_PARTITION = "wrong_partition"
OWN_HEADERS = (REPARTITION_HEADER, ORIGINAL_TIME_HEADER)

_PASSED, _PASSED_AT_SECOND = encode_pass(NAME), encode_pass(NAME, "", {"repartitioned": True})
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a record that is on its user's partition."""
    partition = compute_key_partition(state.user_key, context.partitions)
    if partition == state.partition:
        return PASS
    if is_repartitioned(state):
        error = (
            f"repartitioned once already, but the user's partition is {partition}, not {state.partition}: "
            f"check that every worker has kafka.topic_partitions={context.partitions}"
        )
        return build_dead_letter_verdict(WRONG_PARTITION, error)
    return repartition(state, partition)


def is_repartitioned(state: RoutingState) -> bool:
    """Whether the record was written here by the router, because it had been on another partition."""
    return any(name == REPARTITION_HEADER for name, _ in state.record.headers)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed; one that was repartitioned says so."""
    return _PASSED_AT_SECOND if is_repartitioned(state) else _PASSED


def describe(facts: Facts) -> str:
    """Whether the record came to the partition of its user by the producer or by the router."""
    if facts.event.reason == WRONG_PARTITION:
        return describe_inputs(facts)
    by_router = "it was on another partition than its user's, and the router wrote it to the right one"
    return by_router if facts.inputs.get("repartitioned") else "it was on the partition of its user"


GATE = Gate(
    NAME,
    check,
    explain,
    needs_record_only=True,
    reasons={WRONG_PARTITION: "it was on the wrong partition even after it had been repartitioned"},
    remedies={WRONG_PARTITION: "every worker would have to have the same kafka.topic_partitions as the topics"},
    describe=describe,
)


def build_headers(state: RoutingState) -> list[Header]:
    """The headers of a repartitioned record: the producer's, except what it named like ours, the mark, and the first record's time."""
    headers = [header for header in state.record.headers if header[0] not in OWN_HEADERS]
    return [*headers, (REPARTITION_HEADER, b"1"), (ORIGINAL_TIME_HEADER, b"%d" % round(state.record_time * 1000))]


def stamp_id(state: RoutingState) -> bytes:
    """The record's JSON with the notification's id in it, sealed if the state has a sealer.

    Raises one of DECODE_ERRORS for a field that the decoder skipped unread.
    """
    fields = _decode_fields((state.record.value or b"{}").removeprefix(BYTE_ORDER_MARK))
    fields["id"] = Raw(_encode(state.id))
    if state.sealer is not None and not state.is_sealed:
        seal_fields(fields, state.id, state.sealer)
    return _encode(fields)


def repartition(state: RoutingState, partition: int) -> Verdict:
    """The record with its id stamped in, sealed if the state has a sealer; or a dead letter if it does not fit."""
    try:
        value = stamp_id(state)
    except DECODE_ERRORS as error:
        return build_dead_letter_verdict(Reason.UNDECODABLE, str(describe_decode_error(error, state.record.value or b"")))
    if compute_batch_size(state.user_key, value, build_headers(state)) > MAX_NOTIFICATION_BYTES:
        return build_dead_letter_verdict(
            Reason.TOO_LARGE, f"with its id stamped in, {len(value)} bytes leave no room to write it to its user's partition"
        )
    return Repartition(partition, value)
