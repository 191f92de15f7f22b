"""Which devices are removed because a provider has rejected their tokens; pure.

Source of the rules: https://firebase.google.com/docs/cloud-messaging/manage-tokens (UNREGISTERED and INVALID_ARGUMENT),
https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode (SENDER_ID_MISMATCH).
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.addresses import NORMALIZERS
from schemas.content_limits import FID_PREFIX
from schemas.enums import Reason
from schemas.events import StatusEvent
from schemas.ids import derive_delivery_id
from schemas.users import FID

_GONE: Final = frozenset([Reason.UNREGISTERED_TOKEN, Reason.SENDER_ID_MISMATCH])
TOKEN_REASONS: Final = _GONE | {Reason.INVALID_TOKEN}
"""The reasons of deliveries whose token the provider has rejected. INVALID_TOKEN alone is in doubt: it counts from the second one on."""


class StoredDevice(Struct, frozen=True):
    """A device as it is stored; `rejected_delivery_id` is the first delivery since its registration whose token was in doubt."""

    user_id: str
    token: str
    kind: str
    platform: str
    updated_at: float
    rejected_delivery_id: str


class RejectedDevice(NamedTuple):
    """A device and the delivery that its provider has rejected."""

    device: StoredDevice
    delivery_id: str
    reason: str


class DeviceVerdicts(NamedTuple):
    """The devices that are removed, and those that were in doubt for the first time."""

    removed: list[RejectedDevice]
    doubted: list[RejectedDevice]


def list_rejections(events: Iterable[StatusEvent]) -> list[StatusEvent]:
    """The events of deliveries whose token was rejected."""
    return [event for event in events if event.reason in TOKEN_REASONS]


def build_device_address(kind: str, token: str) -> str:
    """The address of a delivery to a device."""
    address = NORMALIZERS["push"](FID_PREFIX + token if kind == FID else token)
    return address if isinstance(address, str) else ""


def judge_devices(rejections: Iterable[StatusEvent], devices: Iterable[StoredDevice]) -> DeviceVerdicts:
    """What becomes of these devices of the users of the rejections.

    An event has no token: the id of its delivery tells the address. One that was registered after the rejection stays, so that reading an
    event again removes nothing that came since.
    """
    by_user: dict[str, list[StoredDevice]] = {}
    for one in devices:
        by_user.setdefault(one.user_id, []).append(one)
    removed: dict[tuple[str, str], RejectedDevice] = {}
    doubted: dict[tuple[str, str], RejectedDevice] = {}
    for event in rejections:
        device = _find_device(event, by_user)
        if device is None or event.occurred_at <= device.updated_at:
            continue
        key, rejected = (device.user_id, device.token), RejectedDevice(device, event.delivery_id, event.reason)
        earlier = device.rejected_delivery_id or (doubted[key].delivery_id if key in doubted else "")
        if event.reason in _GONE or earlier not in ("", event.delivery_id):
            removed.setdefault(key, rejected)
        elif not earlier:
            doubted[key] = rejected
    return DeviceVerdicts([*removed.values()], [one for key, one in doubted.items() if key not in removed])


def _find_device(event: StatusEvent, devices: Mapping[str, Iterable[StoredDevice]]) -> StoredDevice | None:
    for device in devices.get(event.user_id, ()):
        address = build_device_address(device.kind, device.token)
        if derive_delivery_id(event.notification_id, event.user_id, event.channel, address) == event.delivery_id:
            return device
    return None
