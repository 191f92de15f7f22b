"""Audiences: named lists of users, and saved filters; times in epoch seconds."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.channels import ChannelName
from schemas.notification import UserId
from schemas.time_zones import find_time_zone_problem
from schemas.timestamps import Timestamp, explain_implausible, is_plausible
from schemas.user_validation import FieldProblem, find_nul
from schemas.users import Label

AUDIENCE_PREFIX = "auc_"

AudienceKind = Literal["list", "filter"]
AudienceName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="unique")]
Labels = Annotated[list[Label], Meta(min_length=1, max_length=100)]
MemberIds = Annotated[list[UserId], Meta(max_length=1000)]

MAX_FILTER_CONDITIONS = 50
MAX_FILTER_DEPTH = 5


class AudienceFilter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"negated": "not"}):
    """Conditions on users, all of which must hold; without any it takes all users."""

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


class AudienceDefinition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An audience as it is written: of the users who match the filter, or without one a list, whose members are a resource of their own."""

    filter: Annotated[AudienceFilter | None, Meta(description="an empty one takes all users")] = None
    description: Annotated[str, Meta(max_length=1000)] = ""


class Audience(Struct, frozen=True):
    """A stored audience; `version` is the ETag. Members are no part of it."""

    name: str
    kind: AudienceKind
    filter: AudienceFilter | None
    description: str
    version: int
    created_at: float
    updated_at: float


class MemberChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Users who are added to a list and removed from it; with `preview` they are only checked and counted."""

    add: MemberIds = []
    remove: MemberIds = []
    preview: bool = False


class MemberCounts(Struct, frozen=True):
    """How many users were added to a list and removed from it; who was in it, or not, does not count."""

    added: int
    removed: int


class MatchingUsers(Struct, frozen=True):
    """The users of a project who match a filter; an empty project is the default one."""

    filter: AudienceFilter
    project: str = ""


class MemberList(Struct, frozen=True):
    """The members of a list, by the hex digits of its id, who are users of the project."""

    audience_id: str
    project: str = ""


class NamedUsers(Struct, frozen=True):
    """The users that the request for a broadcast has named, as far as they are of the project."""

    broadcast_id: str
    project: str = ""


Recipients = MatchingUsers | MemberList | NamedUsers


class UserPage(Struct, frozen=True):
    """Users in the order of the bytes of their ids; the next page begins after `cursor`."""

    user_ids: list[str]
    cursor: str
    is_last: bool


class CountedPage(Struct, frozen=True):
    """How many users of a stretch are among the recipients; the next stretch begins after `cursor`."""

    count: int
    cursor: str
    is_last: bool


def find_definition_problems(definition: AudienceDefinition) -> Iterator[FieldProblem]:
    """Why an audience cannot be written like this."""
    yield from find_nul(msgspec.to_builtins(definition))
    if definition.filter is not None:
        yield from find_filter_problems(definition.filter, "$.filter")


def find_filter_problems(audience_filter: AudienceFilter, path: str) -> Iterator[FieldProblem]:
    """Why a filter is not valid."""
    conditions = _count_conditions(audience_filter)
    if conditions > MAX_FILTER_CONDITIONS:
        yield FieldProblem(path, f"has {conditions} conditions, at most {MAX_FILTER_CONDITIONS} are allowed: make it a list", "too_large")
    yield from _find_problems(audience_filter, path, 1)


def _find_problems(one: AudienceFilter, path: str, depth: int) -> Iterator[FieldProblem]:
    if depth > MAX_FILTER_DEPTH:
        yield FieldProblem(path, f"is nested deeper than {MAX_FILTER_DEPTH} levels")
        return
    for index, zone in enumerate([] if one.time_zone is UNSET else one.time_zone):
        if zone and (problem := find_time_zone_problem(zone)):
            yield FieldProblem(f"{path}.time_zone[{index}]", problem, "unknown_time_zone")
    for name, time in (("created_after", one.created_after), ("created_before", one.created_before)):
        if time is not UNSET and not is_plausible(time):
            yield FieldProblem(f"{path}.{name}", explain_implausible(time))
    for index, inner in enumerate([] if one.any is UNSET else one.any):
        yield from _find_problems(inner, f"{path}.any[{index}]", depth + 1)
    if one.negated is not UNSET:
        yield from _find_problems(one.negated, f"{path}.not", depth + 1)


def _count_conditions(one: AudienceFilter) -> int:
    """The conditions of a filter, with those within `any` and `not`."""
    own = sum(getattr(one, name) is not UNSET for name in one.__struct_fields__)
    inner = [*([] if one.any is UNSET else one.any), *([] if one.negated is UNSET else [one.negated])]
    return own + sum(map(_count_conditions, inner))
