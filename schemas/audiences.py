"""Audiences: named lists of users, and saved filters; times in epoch seconds."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.channels import ChannelName
from schemas.notification import UserId
from schemas.timestamps import Timestamp
from schemas.users import Label

AUDIENCE_PREFIX = "auc_"

AudienceKind = Literal["list", "filter"]
AudienceName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="letters, digits, dots, dashes and underscores")
]
Labels = Annotated[list[Label], Meta(min_length=1, max_length=100)]

MAX_FILTER_CONDITIONS = 50
MAX_FILTER_DEPTH = 5
MAX_MEMBERS_AT_ONCE = 1000


class AudienceFilter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"negated": "not"}):
    """Conditions on users, all of which must hold; at least one is given."""

    tier: Annotated[Labels, Meta(description="one of these; an empty text stands for none")] | UnsetType = UNSET
    locale: Annotated[Labels, Meta(description="one of these or more special: de takes de-AT, too")] | UnsetType = UNSET
    time_zone: Annotated[Labels, Meta(description="one of these")] | UnsetType = UNSET
    attributes: Annotated[dict[str, Any], Meta(min_length=1, description="the user has these attributes with these values")] | UnsetType = (
        UNSET
    )
    created_after: Annotated[Timestamp, Meta(description="created at this time or later")] | UnsetType = UNSET
    created_before: Annotated[Timestamp, Meta(description="created earlier")] | UnsetType = UNSET
    has_channel: (
        Annotated[list[ChannelName], Meta(min_length=1, description="has an address or device on each of these channels")] | UnsetType
    ) = UNSET
    any: Annotated["list[AudienceFilter]", Meta(min_length=1, max_length=20, description="at least one of these holds")] | UnsetType = UNSET
    negated: "AudienceFilter | UnsetType" = UNSET


class AudienceRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new audience: of the users who match the filter, or a list without members if there is none."""

    name: AudienceName
    filter: AudienceFilter | None = None
    description: Annotated[str, Meta(max_length=1000)] = ""


class AudienceChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is written of an audience; what is left out stays as it is. The kind of an audience never changes."""

    filter: AudienceFilter | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET


class Audience(Struct, frozen=True):
    """A stored audience; `version` is the ETag. Members are no part of it."""

    name: str
    kind: AudienceKind
    filter: AudienceFilter | None
    description: str
    version: int
    created_at: float
    updated_at: float


class AudienceMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """Users who are added to a list or removed from it."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MAX_MEMBERS_AT_ONCE)]
