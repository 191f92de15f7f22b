"""The protocols of the stores that agents and the gateway use; tables/ implements them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.audiences import CountedPage, Recipients, UserPage
from schemas.broadcast_counts import BroadcastCount, BroadcastFindings, CountPage, DeliveryResult, HeldDigest
from schemas.broadcasts import ClaimedBroadcast
from schemas.events import StatusEvent
from schemas.history import HistoryBatch, NotificationKey, ReceiptCount, ReceivedReport, RecordedDeliveries, RecordedStatus, WrittenReports
from schemas.policy import Policy
from schemas.profile import Profile
from schemas.schedules import DueSchedule, RunPlan, StartedRuns
from schemas.status_webhooks import FailingEndpoint, ReportedDelivery, StatusEndpoint
from schemas.suppression_sync import ListedSuppression
from schemas.webhook_endpoints import SigningEndpoint


class ProfileReader(Protocol):
    """Reads user profiles; keys of addresses (schemas.profile.build_address_key) may be among the user ids."""

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """The profiles by user, without those that no store could give; a user who does not exist is not `known`.

        Raises UnavailableError if there is none at all.
        """
        ...


UNKNOWN_VERSION = -1
"""The version of a profile that is not known at all."""


class ChangedProfileReader(Protocol):
    """Reads the profiles that have changed, for a cache."""

    async def get_changed(self, versions: Mapping[str, int]) -> Mapping[str, Profile]:
        """The profiles that have another version than this, and those of addresses with a suppression. Raises UnavailableError."""
        ...


class PolicyReader(Protocol):
    """Holds the current rules, templates and rate limits."""

    def get_current(self) -> Policy:
        """The current policy, without I/O. Raises UnavailableError before the first policy is loaded."""
        ...


class HistoryWriter(Protocol):
    """Writes notification history."""

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        """Write all rows or none; a report that was written before changes nothing.

        Raises UnstorableRowError if a row cannot be stored as it is, UnavailableError if the store does not answer.
        """
        ...


class WaitingReports(Protocol):
    """The reports of providers whose delivery is not recorded yet. Each method raises UnavailableError."""

    async def merge_matched(self, limit: int) -> WrittenReports:
        """Merge at most `limit` reports whose deliveries are recorded by now."""
        ...

    async def list_merged(self, limit: int) -> Sequence[ReceivedReport]:
        """At most `limit` reports that were merged so, until they are ended."""
        ...

    async def end(self, reports: Sequence[ReceivedReport]) -> None:
        """Forget merged reports that nobody waits for any more."""
        ...

    async def list_old(self, before: float, limit: int) -> Sequence[ReceivedReport]:
        """At most `limit` reports that were received before this time (epoch seconds), oldest first."""
        ...

    async def delete(self, reports: Sequence[ReceivedReport]) -> None:
        """Let these reports wait no more, and forget that they came."""
        ...


class RejectedDeviceStore(Protocol):
    """Removes devices whose tokens a provider has rejected (schemas.device_rejections)."""

    async def remove(self, rejections: Sequence[StatusEvent]) -> Sequence[str]:
        """Judge the devices of these deliveries, and return the ids of the users whose devices were removed. Raises UnavailableError."""
        ...


class SyncClaim(NamedTuple):
    """A run of the synchronisation of suppressions: when it began, and since when entries are read; epoch seconds."""

    began_at: float
    start_time: float


class SuppressionSyncStore(Protocol):
    """What is known of a provider's suppression lists. Each method raises UnavailableError."""

    async def claim(self, interval: float) -> SyncClaim | None:
        """A run, if none began in the last `interval` seconds."""
        ...

    async def complete(self, claim: SyncClaim) -> None:
        """Let the next run begin where this one did."""
        ...

    async def add(self, name: str, entries: Sequence[ListedSuppression]) -> tuple[int, list[str]]:
        """Store the entries of a list; returns how many are new, and the users whose profiles changed."""
        ...


class DeliveryStatusReader(Protocol):
    """Reads what became of the deliveries of notifications."""

    async def get_many(self, notifications: Iterable[NotificationKey]) -> Mapping[NotificationKey, RecordedDeliveries]:
        """What is recorded of each notification, without those of which no decision is. Raises UnavailableError."""
        ...


class EvidenceReader(Protocol):
    """Reads whether anything is known of deliveries whose call got no answer."""

    async def get_statuses(self, delivery_ids: Sequence[str]) -> Mapping[str, RecordedStatus]:
        """The recorded status of each delivery that has another one than PENDING. Raises UnavailableError."""
        ...


class EndpointView(Protocol):
    """The webhook endpoints that deliveries name, without I/O."""

    def find(self, endpoint_id: str) -> SigningEndpoint | None:
        """The endpoint, DELETED if there is none, None if that is not known."""
        ...


class SigningEndpointReader(Protocol):
    """Reads webhook endpoints as their worker needs them."""

    async def get_many(self, endpoint_ids: Iterable[str]) -> Mapping[str, SigningEndpoint]:
        """The endpoints by id, without those that do not exist. Raises UnavailableError."""
        ...


class EndpointReports(Protocol):
    """What the recorder reads and changes of webhook endpoints. Each method raises UnavailableError."""

    async def list_status_endpoints(self) -> Sequence[StatusEndpoint]:
        """The enabled endpoints for statuses."""
        ...

    async def list_reported(self, delivery_ids: Sequence[str]) -> Sequence[ReportedDelivery]:
        """Those of the deliveries that are recorded, as they are now."""
        ...

    async def list_failing(
        self, failed: Sequence[str], gone: Mapping[str, float], seconds: float, min_failures: int
    ) -> Sequence[FailingEndpoint]:
        """Those of the enabled endpoints that have only failed for so long, or are gone since they were enabled."""
        ...

    async def disable(self, endpoint: FailingEndpoint) -> bool:
        """Disable an endpoint, with an entry of the audit log; whether it was enabled."""
        ...


class ReceiptCounter(Protocol):
    """Counts receipts."""

    async def count_receipts(self, providers: Sequence[str], since: float, until: float, limit: int) -> Sequence[ReceiptCount]:
        """How many of the newest messages that each provider accepted got a receipt; at most `limit` messages of all together.

        Counted are those of notifications that were submitted between two times (epoch seconds). Raises UnavailableError.
        """
        ...


class BroadcastPages(Protocol):
    """The broadcasts that are to be expanded, page by page; `holder` names the worker. Each method raises UnavailableError."""

    async def claim(self, holder: str) -> ClaimedBroadcast | None:
        """A broadcast whose next page is due and that no other worker has in hand; None if there is none."""
        ...

    async def get_wait(self) -> float | None:
        """Seconds until the next page of any broadcast is due; None if no broadcast waits."""
        ...

    async def read_page(self, recipients: Recipients, cursor: str, limit: int) -> UserPage:
        """At most `limit` users after the cursor."""
        ...

    async def count_page(self, recipients: Recipients, cursor: str) -> CountedPage:
        """How many users there are in a stretch after the cursor."""
        ...

    async def renew(self, broadcast_id: str, holder: str) -> bool:
        """Keep a broadcast in hand for longer; False if another worker has it, or it was paused or cancelled."""
        ...

    async def give_back(self, broadcast_id: str, holder: str) -> None:
        """Give back a broadcast of which nothing is produced, if the worker has it."""
        ...

    async def store_total(self, broadcast_id: str, holder: str, total_count: int) -> bool:
        """Store how many users there are; False if another worker has the broadcast."""
        ...

    async def store_page(self, broadcast_id: str, cursor: str, page: UserPage, seconds: float) -> bool:
        """Store that the page after the cursor is done, and give the broadcast back; the next page is due `seconds` after this one was.

        False if another worker has stored it, which may have come later to a page that took longer than the lease.
        """
        ...

    async def fail(self, broadcast_id: str, holder: str, error: str) -> None:
        """End a broadcast that cannot be expanded."""
        ...


class BroadcastHistory(Protocol):
    """What became of broadcasts, page by page; `holder` names the worker. Each method raises UnavailableError."""

    async def claim(self, holder: str) -> BroadcastCount | None:
        """A broadcast whose count is due and that no other worker has in hand, first one that was cancelled; None if there is none."""
        ...

    async def get_wait(self) -> float | None:
        """Seconds until the count of any broadcast is due; None if none ever is."""
        ...

    async def read_page(self, count: BroadcastCount, limit: int) -> CountPage:
        """At most `limit` notifications after the cursor whose ids have a time of the broadcast; some may be of others."""
        ...

    async def find_results(self, delivery_ids: Sequence[str]) -> dict[str, DeliveryResult]:
        """The deliveries that have a status."""
        ...

    async def find_held_digests(self, digests: Sequence[tuple[str, str]]) -> list[HeldDigest]:
        """Of these digests, by id and user, those that are held, with what is in them."""
        ...

    async def store_page(self, count: BroadcastCount, page: CountPage, findings: BroadcastFindings, pause: float | None) -> bool:
        """Store what was found up to the cursor of the page, and give the broadcast back; the next page is due after `pause` seconds.

        After the last page the findings are the result; None: no count follows. False if another worker has stored the page, or the
        broadcast was cancelled meanwhile.
        """
        ...

    async def postpone(self, count: BroadcastCount, seconds: float) -> None:
        """Give the broadcast back, whose page is due again in so many seconds; nothing if it was cancelled meanwhile."""
        ...


class DueSchedules(Protocol):
    """The recurring schedules whose time has come. Each method raises UnavailableError."""

    async def start_runs(self, plan: Callable[[DueSchedule, float], RunPlan], limit: int) -> list[StartedRuns]:
        """Start the runs of at most `limit` due schedules, each as a broadcast and only once, whatever ends this process.

        `plan` is called with each schedule and the time of PostgreSQL.
        """
        ...

    async def get_wait(self) -> float | None:
        """Seconds until the next run of any schedule is due; None if none ever is."""
        ...
