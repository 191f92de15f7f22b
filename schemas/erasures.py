"""Erasures of users, and what is exported of a user; times in epoch seconds."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.channels import ChannelName
from schemas.notification import UserId

ERASURE_PREFIX = "era_"


class ErasureRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order to erase a user."""

    reason: Annotated[str, Meta(max_length=128, description="why, for the erasure log; no personal data")] = ""


class Erasure(Struct, frozen=True):
    """A user who was erased: how many data keys were destroyed, and how many rows of each kind are gone or have no address any more."""

    id: str
    user_id: UserId
    erased_at: float
    erased_by: str
    reason: str
    counts: dict[str, int]


class OwnedAddress(Struct, frozen=True, order=True):
    """An address that a user has, also as a device or an endpoint."""

    channel: ChannelName
    address: str
