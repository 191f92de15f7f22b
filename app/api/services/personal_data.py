"""Exports and erases all that is known of a user."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from app.api.ports import HistoryReader
from app.api.presenter import present_notification
from app.api.responses import NotificationResponse
from app.api.services.profile_eviction import ProfileEviction
from schemas.addresses import build_comparison_key
from schemas.channels import ChannelName
from schemas.erasures import Erasure
from schemas.history import NotificationHistory
from schemas.ports import Clock
from schemas.projects import leave_project
from schemas.users import ChangeOrigin, ConsentEvent, Device, Preference, Suppression, User
from schemas.webhook_endpoints import WebhookEndpoint
from tables.postgres.erasures import ErasureStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.unmasked_readings import UnmaskedReadings
from tables.postgres.users import UserStore
from tables.postgres.webhook_endpoints import WebhookEndpointStore

PAGE = 500
T = TypeVar("T")


class UserExport(Struct, frozen=True):
    """All that is stored of a user; `user` is null if there is none with this id. What messages said is not kept."""

    user_id: str
    exported_at: float
    user: User | None
    devices: list[Device]
    preferences: list[Preference]
    suppressions: list[Suppression]
    consent_events: list[ConsentEvent]
    webhook_endpoints: list[WebhookEndpoint]
    notifications: list[NotificationResponse]


class ProviderErasure(Protocol):
    """A provider that erases what it has of recipients."""

    async def erase(self, addresses: Sequence[str]) -> None:
        """Erase what belongs to these e-mail addresses. Raises UnavailableError."""
        ...


class Stores(Struct, frozen=True):
    """Where the data of users is."""

    users: UserStore
    preferences: PreferenceStore
    suppressions: SuppressionStore
    webhook_endpoints: WebhookEndpointStore
    history: HistoryReader
    erasures: ErasureStore
    readings: UnmaskedReadings


class PersonalData:
    """`forget_keys` removes the cached keys of users, and raises UnavailableError."""

    def __init__(
        self,
        stores: Stores,
        provider: ProviderErasure | None,
        eviction: ProfileEviction,
        forget_keys: Callable[[Collection[str]], Awaitable[None]],
        clock: Clock,
        receipt_timeouts: Mapping[ChannelName, int],
    ) -> None:
        self._stores, self._provider, self._eviction, self._forget_keys = stores, provider, eviction, forget_keys
        self._clock, self._receipt_timeouts = clock, receipt_timeouts

    async def record_readings(self, actor: str, resource: str, person_ids: Sequence[str]) -> None:
        """Record that somebody reads personal data of these without masks. Raises UnavailableError."""
        await self._stores.readings.record(actor, resource, person_ids)

    async def export(self, user_id: str, actor: str) -> UserExport:
        """All that is stored of a user, with an entry in the audit log. Raises UnavailableError."""
        await self._stores.erasures.record_export(actor, user_id)
        stores, now = self._stores, self._clock()
        read_endpoints = stores.webhook_endpoints.list_endpoints
        endpoints = await _read_pages(lambda after: read_endpoints(PAGE, after, "user", user_id, None, ""), _get_id)
        histories = await _read_pages(lambda before: stores.history.list_by_user(user_id, PAGE, before or None), _get_notification_id)
        return UserExport(
            user_id=user_id,
            exported_at=now,
            user=await stores.users.get(user_id),
            devices=await _read_pages(lambda after: stores.users.list_devices(user_id, PAGE, after), lambda device: device.token),
            preferences=(await stores.preferences.list_preferences(user_id))[0],
            suppressions=await self._list_suppressions(user_id),
            consent_events=await _read_pages(lambda before: stores.preferences.list_consent_events(user_id, PAGE, before or None), _get_id),
            webhook_endpoints=endpoints,
            notifications=[present_notification(one, _get_notification_id(one), self._receipt_timeouts, now) for one in histories],
        )

    async def _list_suppressions(self, user_id: str) -> list[Suppression]:
        """Those of the user, and those of whoever has one of the user's addresses."""
        read, owned = self._stores.suppressions.list_suppressions, await self._stores.erasures.list_addresses(user_id)
        keys = sorted({build_comparison_key(one.channel, one.address) for one in owned})
        found = await _read_pages(lambda before: read(None, user_id, None, True, PAGE, before or None), _get_id)
        by_address = await _read_pages(lambda before: read(keys, None, None, True, PAGE, before or None), _get_id) if keys else []
        return [*found, *(one for one in by_address if one.user_id is None)]

    async def erase(self, user_id: str, origin: ChangeOrigin) -> Erasure:
        """Erase a user of any project: at the provider, in the database, in the caches. What failed is done by the next call.

        Its entry in the audit log is of the user's project.

        Raises ConflictError if a hash of a suppressed address has to stay and there is no key for it, and UnavailableError.
        """
        erasures = self._stores.erasures
        with leave_project():
            owned = await erasures.list_addresses(user_id)
            if self._provider is not None:
                await self._provider.erase([one.address for one in owned if one.channel == "email"])
            erasure = await erasures.erase(user_id, origin)
            await self._forget_keys(erasures.list_key_ids(user_id, owned))
        await self._eviction.evict([user_id])
        return erasure


def _get_id(item: Suppression | ConsentEvent | WebhookEndpoint) -> str:
    return item.id


def _get_notification_id(history: NotificationHistory) -> str:
    return history.decided.id if history.decided else ""


async def _read_pages(read: Callable[[str], Awaitable[Sequence[T]]], get_key: Callable[[T], str]) -> list[T]:
    """All items of a list that is read page by page; `read` gets the key of the last item."""
    found: list[T] = []
    page: Sequence[T] = await read("")
    while page:
        found += page
        page = await read(get_key(page[-1])) if len(page) == PAGE else ()
    return found
