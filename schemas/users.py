"""Users, devices, preferences and suppressions as operators and producers write and read them, and the events of consent."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.channels import ChannelName
from schemas.notification import Address, UserId
from schemas.profile import QuietHours
from schemas.timestamps import Timestamp

Choice = Literal["in", "out"]
Digest = Literal["", "off", "hourly", "daily", "weekly"]
SuppressionReason = Literal["hard_bounce", "complaint", "stop", "manual"]
ConsentSource = Literal["api", "cli", "import", "callback", "link"]
ConsentChange = Literal["preference_set", "preference_deleted", "suppressed", "suppression_undone"]
Label = Annotated[str, Meta(max_length=128)]
Token = Annotated[str, Meta(min_length=1, max_length=2048)]
AddressList = Address | Annotated[list[Address], Meta(max_length=20)]

SUPPRESSION_PREFIX = "sup_"
CONSENT_EVENT_PREFIX = "cev_"
AUDIT_ENTRY_PREFIX = "aud_"

FID = "fid"
"""The kind of a device that is registered by the id of its Firebase installation instead of a token of FCM."""

MAX_PREFERENCES = 500  # of a user
MAX_ATTRIBUTES_BYTES = 16 * 1024  # as JSON; they are part of every cached profile


class UserChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is written of a user; what is left out stays as it is, and in a new user is empty."""

    addresses: Annotated[
        dict[ChannelName, AddressList] | UnsetType,
        Meta(description="by channel; spellings of one address count as one; tokens of devices are a resource of their own"),
    ] = UNSET
    locale: Annotated[str, Meta(max_length=35, description="BCP 47, such as de-AT")] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64, description="a name of the IANA database, such as Europe/Vienna")] | UnsetType = UNSET
    tier: Label | UnsetType = UNSET
    attributes: Annotated[dict[str, Any], Meta(description="what conditions of rules read; at most 16 KiB")] | UnsetType = UNSET
    quiet_hours: Annotated[QuietHours | None, Meta(description="in the user's time zone, else in UTC; null: none")] | UnsetType = UNSET


def fill_change(change: UserChange) -> UserChange:
    """The change with every field, empty where nothing is given."""
    given = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}
    empty: dict[str, Any] = {"addresses": {}, "locale": "", "time_zone": "", "tier": "", "attributes": {}, "quiet_hours": None}
    return UserChange(**{**empty, **given})


class User(Struct, frozen=True):
    """A stored user; times in epoch seconds. `version` is the ETag, and rises with each change of devices and preferences, too."""

    id: str
    addresses: dict[str, list[str]]
    locale: str
    time_zone: str
    tier: str
    attributes: dict[str, Any]
    quiet_hours: QuietHours | None
    version: int
    created_at: float
    updated_at: float


class DeviceChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is written of a device; what is left out stays as it is."""

    kind: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=32,
                description="fcm: a token of FCM; fid: the id of a Firebase installation; else the service that the token belongs to",
            ),
        ]
        | UnsetType
    ) = UNSET
    platform: Annotated[str, Meta(max_length=32, description="such as android or ios")] | UnsetType = UNSET
    last_seen_at: Timestamp | UnsetType | None = UNSET


class Device(Struct, frozen=True):
    """A device of a user; times in epoch seconds."""

    token: str
    kind: str
    platform: str
    last_seen_at: float | None
    updated_at: float


class Preference(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A user's choice for a category and a channel; an empty one stands for all, and the most specific choice decides."""

    choice: Choice
    category: Label = ""
    channel: Literal["", ChannelName] = ""
    digest: Annotated[Digest, Meta(description="how messages are gathered; empty: as the rule says")] = ""


class PreferenceChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new choice, or null to delete what was chosen for this category and channel."""

    choice: Choice | None
    category: Label = ""
    channel: Literal["", ChannelName] = ""
    digest: Digest = ""


class PreferenceSet(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All preferences of a user; `reason` is for the history."""

    items: Annotated[list[Preference], Meta(max_length=MAX_PREFERENCES)]
    reason: Label = ""


class PreferencePatch(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The preferences of a user that change; `reason` is for the history."""

    items: Annotated[list[PreferenceChange], Meta(min_length=1, max_length=MAX_PREFERENCES)]
    reason: Label = ""


class SuppressionRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What shall not be sent to any more: an address of whoever has it, an address of a user, or every address of a user on a channel."""

    channel: ChannelName
    address: Annotated[str, Meta(max_length=2048, description="empty: every address of the user on the channel")] = ""
    user_id: UserId | None = None
    category: Annotated[Label, Meta(description="empty: all categories")] = ""
    reason: SuppressionReason = "manual"
    source_event: Annotated[Label, Meta(description="the id of the bounce, complaint or message that it comes from")] = ""


class Suppression(Struct, frozen=True):
    """A stored suppression; in force until it is undone. Times in epoch seconds."""

    id: str
    channel: ChannelName
    address: str
    user_id: str | None
    category: str
    reason: SuppressionReason
    source_event: str
    created_at: float
    created_by: str
    undone_at: float | None
    undone_by: str | None


class ConsentEvent(Struct, frozen=True):
    """A change of a preference or suppression: who changed what, when and from where. The time is in epoch seconds."""

    id: str
    user_id: str
    category: str
    channel: str
    address: str
    change: ConsentChange
    old_choice: str
    new_choice: str
    source: ConsentSource
    actor: str
    reason: str
    occurred_at: float


class ChangeOrigin(Struct, frozen=True):
    """Who makes a change, from where, and why."""

    source: ConsentSource
    actor: str
    reason: str = ""
