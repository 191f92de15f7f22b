"""What the gates work on: the state of one notification, the rows of its batch, and what they look up."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import Raw, Struct

from agents.router.compiled_policy import CompiledPolicy
from agents.router.digests import Gathered, Join
from agents.router.routing_plan import RoutingPlan
from agents.router.staged_digests import StagedDigests
from agents.router.verdict import PASS, Verdict
from schemas import topics
from schemas.categories import Consent, QuietHoursPolicy
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.enums import PRIORITIES, Priority, Status
from schemas.history import NotificationKey, RecordedDeliveries
from schemas.message_links import LinkBuilder
from schemas.notification import Notification
from schemas.ports import Record
from schemas.profile import EndpointRef, Profile
from schemas.sealing import Sealer
from tables.rate_windows import ExceededLimit


class TopicSet(Struct, frozen=True):
    """The topic that the records of a batch come from, and the topics of their outputs; built once per input topic."""

    input: str
    priority: Priority
    deliveries: Mapping[Priority, Mapping[ChannelName, str]]
    scheduled: str
    all_inputs: Mapping[Priority, str]
    all_scheduled: Mapping[Priority, str]
    status: str
    dead_letters: str


def build_topic_set(topic: str, prefix: str) -> TopicSet:
    """The topics for a `notifications.<priority>` topic, all with the installation's prefix. Raises ValueError for another topic."""
    priority = topics.parse_priority(topic)
    return TopicSet(
        input=topic,
        priority=priority,
        deliveries={one: {channel: prefix + topics.get_deliveries_topic(channel, one) for channel in CHANNEL_NAMES} for one in PRIORITIES},
        scheduled=prefix + topics.get_scheduled_topic(priority),
        all_inputs={one: prefix + topics.get_notifications_topic(one) for one in PRIORITIES},
        all_scheduled={one: prefix + topics.get_scheduled_topic(one) for one in PRIORITIES},
        status=prefix + topics.STATUS_TOPIC,
        dead_letters=prefix + topics.DEAD_LETTER_TOPIC,
    )


class QuietHoursFound(NamedTuple):
    """The user's quiet hours and time zone as the decision log shows them; or the `reason` why there are none."""

    reason: str
    start: str = ""
    end: str = ""
    time_zone: str = ""


class StagedRows:
    """The rows of a batch as its later records see them: the rows of the tables, overlaid with the rows that the batch has staged."""

    __slots__ = ("digests", "idempotency", "new_claims", "new_exact_windows", "new_idempotency", "new_sliced_windows", "rate_windows")

    def __init__(self, idempotency: dict[bytes, bytes | None], rate_windows: dict[bytes, bytes | None], digests: StagedDigests) -> None:
        self.idempotency, self.rate_windows, self.digests = idempotency, rate_windows, digests
        self.new_idempotency: dict[bytes, bytes] = {}
        self.new_claims: dict[bytes, bytes] = {}
        self.new_exact_windows: dict[bytes, bytes] = {}
        self.new_sliced_windows: dict[bytes, bytes] = {}

    def stage_idempotency(self, key: bytes, row: bytes) -> None:
        """Stage a row of the idempotency table."""
        self.idempotency[key] = self.new_idempotency[key] = row

    def stage_claim(self, key: bytes, row: bytes) -> None:
        """Stage a claim, a row of the idempotency table that is written before the outputs."""
        self.idempotency[key] = self.new_claims[key] = row

    def stage_exact_window(self, key: bytes, row: bytes) -> None:
        """Stage a row of the rate_windows table in which a replay finds its own entry; it has the entries of one that only counts."""
        if self.new_sliced_windows:
            self.new_sliced_windows.pop(key, None)
        self.rate_windows[key] = self.new_exact_windows[key] = row

    def stage_sliced_window(self, key: bytes, row: bytes) -> None:
        """Stage a row of the rate_windows table that only counts, unless the batch claims it."""
        staged = self.new_exact_windows if key in self.new_exact_windows else self.new_sliced_windows
        self.rate_windows[key] = staged[key] = row


class GateContext:
    """What the gates of a batch look up. All but `partitions` and `link_builder` is set before the first gate that reads it is checked.

    `deliveries` are those of escalations, as far as they are recorded and could be read.
    """

    __slots__ = ("deliveries", "link_builder", "partitions", "policy", "profiles", "rows")
    policy: CompiledPolicy
    rows: StagedRows
    profiles: Mapping[str, Profile]
    deliveries: Mapping[NotificationKey, RecordedDeliveries]

    def __init__(self, partitions: int, link_builder: LinkBuilder | None = None) -> None:
        self.partitions, self.link_builder = partitions, link_builder


_NO_KEYS: Sequence[bytes] = ()
_NO_FAULTS: Mapping[str, str] = MappingProxyType({})


class RoutingState:
    """One notification on its way through the gates; times in epoch seconds.

    `record_time` is the broker's time of its first record, `now` the time of its decision. `row_time` is the broker's time from which its
    idempotency row counts: that of the first record too, but of a resumed notification that of the record it came back with.
    `resume_count` says how often it was held, and `resume_gate` by which gate at last. `redrive_count` says how often it was redriven, and
    `redriven_id` is the id that it had then. `is_digest`: it gathers others, and comes back;
    `is_recalled`: it is a replay of one that is in a digest. An attribute without a value here is set by the
    gate that finds it out, for the gates after it and for the decision log. `stopped_at` names the gate that did not pass. `scheduled` is
    the encoded record of one that is held. `priority` is that of the topic until the rule sets another one; `priority_choice` is the index
    of the rule's choice that did. `routed_channels` are those on which an escalation has gone out before, and `escalates_at` is when the
    next one follows; 0 if none does. `needs_opening`: it is sealed, as a notification or as a whole, until it is opened; `is_sealed`: what
    the record has is sealed. `opener` has the keys of the user, if they are needed; `sealer` is the same if what is written is
    to be sealed.
    """

    __slots__ = (
        "address_counts",
        "address_faults",
        "address_keys",
        "addresses",
        "at_most_once",
        "channels",
        "claim_row_key",
        "consent",
        "consent_events",
        "contents",
        "created_at",
        "digest_reason",
        "digest_records",
        "digest_row_key",
        "endpoints",
        "escalates_at",
        "expires_at",
        "expression_faults",
        "fingerprint",
        "full_channels",
        "full_windows",
        "gathered",
        "id",
        "idempotency_row_key",
        "is_cancelled",
        "is_consent_checked",
        "is_digest",
        "is_recalled",
        "is_sealed",
        "join",
        "locale",
        "needs_opening",
        "needs_profile",
        "notification",
        "now",
        "opener",
        "partition",
        "plan",
        "priority",
        "priority_choice",
        "quiet_hours",
        "quiet_policy",
        "reads_profile",
        "record",
        "record_time",
        "redrive_count",
        "redriven_id",
        "removed",
        "resume_count",
        "resume_gate",
        "routed_channels",
        "row_time",
        "scheduled",
        "sealer",
        "statuses",
        "stopped_at",
        "template_labels",
        "template_name",
        "tier",
        "time_zone",
        "topics",
        "user_key",
        "variant",
        "verdict",
        "window_row_keys",
    )
    notification: Notification
    user_key: bytes
    locale: str
    time_zone: str
    addresses: Mapping[ChannelName, list[str]]
    address_counts: list[int]
    address_faults: dict[str, Any]
    endpoints: Mapping[str, EndpointRef]
    consent: Consent
    address_keys: Sequence[str]
    removed: Mapping[ChannelName, Mapping[str, Any]]
    consent_events: Mapping[ChannelName, str]
    is_consent_checked: bool
    quiet_policy: QuietHoursPolicy
    quiet_hours: QuietHoursFound
    tier: str
    full_windows: Mapping[str, ExceededLimit]
    full_channels: tuple[str, ...]
    channels: tuple[ChannelName, ...]
    template_name: str
    contents: list[Raw]
    template_labels: list[str]
    variant: str
    at_most_once: bool
    scheduled: bytes
    join: Join | None
    gathered: Gathered | None
    digest_records: Sequence[tuple[str, bytes]]
    statuses: Mapping[ChannelName, Sequence[Status]] | None

    def __init__(self, record: Record, topics: TopicSet, partition: int, now: float) -> None:
        self.record, self.topics, self.partition, self.now = record, topics, partition, now
        self.record_time = self.created_at = self.row_time = record.timestamp / 1000
        self.resume_count, self.resume_gate = 0, ""
        self.redrive_count, self.redriven_id = 0, ""
        self.routed_channels: tuple[ChannelName, ...] = ()
        self.escalates_at = 0.0
        self.id = self.digest_reason = ""
        self.verdict: Verdict = PASS
        self.stopped_at = ""
        self.idempotency_row_key = self.claim_row_key = self.digest_row_key = self.fingerprint = b""
        self.is_digest = self.is_cancelled = self.is_recalled = False
        self.window_row_keys = _NO_KEYS
        self.needs_profile = self.reads_profile = self.needs_opening = self.is_sealed = False
        self.opener: Sealer | None = None
        self.sealer: Sealer | None = None
        self.plan: RoutingPlan | None = None
        self.priority: Priority = topics.priority
        self.priority_choice: int | None = None
        self.expression_faults = _NO_FAULTS
        self.expires_at = 0.0

    def identify(self, notification: Notification, notification_id: str) -> None:
        """Set the notification and its id."""
        self.notification, self.id = notification, notification_id
        self.user_key = notification.user_id.encode()
