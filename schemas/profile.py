"""A user's profile: the part of the tables users and devices that routing needs."""

from msgspec import Struct

from schemas.channels import ChannelName


class Profile(Struct, frozen=True, omit_defaults=True):
    """Addresses per channel (one per device for push), locale and time zone; a user who does not exist is not `known`."""

    user_id: str
    known: bool = True
    addresses: dict[ChannelName, list[str]] = {}
    locale: str = ""
    time_zone: str = ""
    version: int = 0
