"""A user's profile: the parts of the tables users, devices, user_preferences and suppressions that routing needs."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from schemas.channels import ChannelName

TIME_OF_DAY_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
LocalTime = Annotated[str, Meta(pattern=TIME_OF_DAY_PATTERN)]
"""A time of day, such as 07:00."""


class QuietHours(Struct, frozen=True, forbid_unknown_fields=True):
    """A daily window in the user's local time, without its end; if it ends before it starts, it goes over midnight."""

    start: LocalTime
    end: LocalTime


class ActiveSuppression(Struct, frozen=True, array_like=True):
    """A suppression that is in force; an empty `address` stands for every address on the channel, an empty `category` for all.

    The address is a comparison key (addresses.build_comparison_key): e-mail addresses are compared without case.
    """

    channel: ChannelName
    address: str = ""
    category: str = ""
    reason: str = ""


class EndpointRef(Struct, frozen=True, array_like=True):
    """A webhook endpoint of a user: its URL, and the types that it takes (schemas.webhook_endpoints.matches_type).

    `is_ordered`: it has one webhook after the other.
    """

    id: str
    url: str
    types: list[str] = []
    is_enabled: bool = True
    is_ordered: bool = False


class Profile(Struct, frozen=True, omit_defaults=True):
    """What is known of a user, with one address per device for push; a user who does not exist is not `known`.

    `choices` has "in" or "out" by "category/channel", where an empty part stands for all. `suppressions` are those of the user and of the
    user's addresses. `digests` says how messages are gathered, by category, where an empty one stands for all. If not
    `consent_known`, choices and suppressions may be older than an opt-out may take: what needs consent waits. The URLs of `endpoints` are
    among the addresses. `consent_events` has the event of consent that each choice "in" comes from, by the same keys as `choices`.
    """

    user_id: str
    known: bool = True
    addresses: dict[ChannelName, list[str]] = {}
    locale: str = ""
    time_zone: str = ""
    version: int = 0
    tier: str = ""
    attributes: dict[str, Any] = {}
    quiet_hours: QuietHours | None = None
    choices: dict[str, str] = {}
    suppressions: list[ActiveSuppression] = []
    consent_known: bool = True
    digests: dict[str, str] = {}
    endpoints: list[EndpointRef] = []
    consent_events: dict[str, str] = {}


def build_address_key(channel: ChannelName, address: str) -> str:
    """A key that stands for an address among user ids: its profile has only the suppressions of whoever has the address."""
    return f"\0{channel}\0{address}"  # no user id contains a NUL


def is_address_key(user_id: str) -> bool:
    """Whether this stands for an address and not for a user."""
    return user_id.startswith("\0")


def split_address_key(key: str) -> tuple[str, str]:
    """The channel and the address; an empty channel if it is no key of an address."""
    _, channel, address = key.split("\0", 2) if key.count("\0") >= 2 else ("", "", "")
    return channel, address
