"""What would become of a notification: the router's own decision on a record that is in no topic; nothing is produced or stored.

It is decided by `evaluate_batch`, as every record is. Only the edges differ: the rows of the user are those that a worker has shown, and
the outputs are kept instead of produced.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router.compiled_policy import CompiledPolicy
from agents.router.evaluate import evaluate_batch
from agents.router.gates.idempotency import NAME as IDEMPOTENCY
from agents.router.gates.order import check_record, list_logged_gates
from agents.router.prefetch import collect_row_keys, prepare_states
from agents.router.routing_state import GateContext, RoutingState, StagedRows, TopicSet, build_topic_set
from agents.router.staged_digests import StagedDigests
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.events import DecidedEvent
from schemas.ids import NOTIFICATION_PREFIX
from schemas.message_links import LinkBuilder
from schemas.ports import Header
from schemas.profile import Profile
from schemas.user_rows import MAX_ROWS, UserRow
from tables import digests

_decode_event = msgspec.json.Decoder(DecidedEvent).decode
_decode_delivery = msgspec.json.Decoder(Delivery).decode

UserTables = Mapping[str, Sequence[UserRow]]
"""The rows of the user in the tables of the router, by table, as a worker shows them (app/workers/user_rows_view.py)."""

TOO_MANY_ROWS = f"the user has more than {MAX_ROWS} rows in it, and only the first ones could be read"


class DryRecord(NamedTuple):
    """A record that is nowhere; its timestamp in milliseconds."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    offset: int = 0
    headers: Sequence[Header] = ()


class DryRunResult(Struct, frozen=True):
    """The decision, None if the same notification was decided before, which changes nothing; and the deliveries that it would produce.

    `templates` are those of the channels, with version and locale. `next_channel_at` is when an escalation would go on (epoch seconds), 0
    if it would not. `gates_not_reached` are those after the one that stopped the notification.
    """

    event: DecidedEvent | None
    deliveries: list[Delivery]
    templates: Mapping[ChannelName, str]
    rule: str
    next_channel_at: float
    gates_not_reached: list[str]


class _KeptOutputs:
    """An outbox whose records stay where they are."""

    def __init__(self, topics: TopicSet) -> None:
        self._topics, self._delivery_topics = topics, {topic for one in topics.deliveries.values() for topic in one.values()}
        self.event: DecidedEvent | None = None
        self.deliveries: list[Delivery] = []

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Keep the decided event and the deliveries; what the scheduler or the dead letters would get, the event says too."""
        if topic == self._topics.status:
            self.event = _decode_event(value or b"")
        elif topic in self._delivery_topics:
            self.deliveries.append(_decode_delivery(value or b""))


class DryRun:
    """One notification under one policy. `prepare` says what `decide` needs to be read before."""

    def __init__(self, policy: CompiledPolicy, partitions: int, topic_prefix: str, link_builder: LinkBuilder | None = None) -> None:
        """`link_builder`: None if the router has none; else one whose links nobody can use."""
        self._context = GateContext(partitions, link_builder)
        self._context.policy, self._context.deliveries = policy, {}
        self._topic_prefix = topic_prefix
        self._failure_limit = ConsecutiveFailureLimit(sys.maxsize)

    def prepare(self, topic: str, partition: int, record: DryRecord) -> tuple[RoutingState, list[str]]:
        """The state of the notification, and the users and address keys whose profiles are needed."""
        topics = build_topic_set(topic, self._topic_prefix)
        state = RoutingState(record, topics, partition, record.timestamp / 1000)
        check_record(state, self._context, self._failure_limit)
        return state, prepare_states([state], self._context.policy)

    def decide(self, state: RoutingState, profiles: Mapping[str, Profile], tables: UserTables) -> DryRunResult:
        """The decision at the time of the record."""
        self._context.profiles, self._context.rows = profiles, _stage_rows(state, tables)
        outputs = _KeptOutputs(state.topics)
        evaluate_batch([state], self._context, outputs, state.record_time, self._failure_limit)
        return DryRunResult(
            outputs.event,
            outputs.deliveries,
            dict(zip(state.channels, state.template_labels, strict=True)) if outputs.deliveries else {},
            f"{state.plan.rule.type}@{state.plan.rule.version}" if state.plan else "",
            state.escalates_at if outputs.deliveries else 0.0,
            _list_gates_not_reached(state),
        )


def list_needed_tables(state: RoutingState, *, has_own_id: bool) -> list[str]:
    """The tables whose rows the gates will read, and in which there may be any: an id that was made for it has no row of its own."""
    has_key = has_own_id or state.notification.idempotency_key is not None
    needed = {"idempotency": has_key, "rate_windows": bool(state.window_row_keys), "digests": bool(state.digest_row_key)}
    return [name for name, is_needed in needed.items() if is_needed]


def find_cut_tables(needed: Sequence[str], tables: UserTables) -> dict[str, str]:
    """The needed tables of which a worker has not shown all rows, with why."""
    return {name: TOO_MANY_ROWS for name in needed if len(tables.get(name, ())) >= MAX_ROWS}


def _stage_rows(state: RoutingState, tables: UserTables) -> StagedRows:
    """The rows that the gates read, under their whole keys; what the worker has not shown is not there."""
    prefix = state.user_key + b"\0"
    idempotency, windows = ({prefix + row.key: row.row for row in tables.get(name, ())} for name in (IDEMPOTENCY, "rate_windows"))
    idempotency_keys, window_keys = collect_row_keys([state])
    return StagedRows(
        {key: idempotency.get(key) for key in idempotency_keys},
        {key: windows.get(key) for key in window_keys},
        _stage_digests(state.user_key, tables.get("digests", ())),
    )


def _stage_digests(user_key: bytes, shown: Sequence[UserRow]) -> StagedDigests:
    """The digest rows, and the window rows that lead to them; a worker shows no others, because they have what is in notifications."""
    rows: dict[bytes, bytes] = {}
    for one in shown:
        row = digests.decode_digest_row(one.row)
        assert row is not None
        digest_id = NOTIFICATION_PREFIX + one.key.hex()
        window_key = digests.encode_window_key(user_key, bytes.fromhex(row.fingerprint), digest_id)
        rows |= {digests.encode_digest_key(user_key, digest_id): one.row, window_key: digests.encode_present_row(row.started_at)}

    def list_rows(prefix: bytes, max_rows: int) -> list[tuple[bytes, bytes]]:
        return sorted((key, row) for key, row in rows.items() if key.startswith(prefix))[:max_rows]

    return StagedDigests(lambda keys: [rows.get(key) for key in keys], list_rows)


def _list_gates_not_reached(state: RoutingState) -> list[str]:
    names = [gate.name for gate in list_logged_gates(state)]
    return names[names.index(state.stopped_at) + 1 :] if state.stopped_at in names else []
