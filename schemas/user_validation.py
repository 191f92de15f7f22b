"""What is wrong with users, devices, preferences and suppressions that somebody writes, and the form in which they are stored; pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from schemas.addresses import NORMALIZERS, TOPIC_PREFIX, InvalidAddress, build_comparison_key, normalize_addresses
from schemas.channels import ChannelName, get_channel
from schemas.content_limits import FID_PREFIX
from schemas.names import find_name_problem
from schemas.profile import QuietHours
from schemas.time_zones import find_time_zone_problem
from schemas.timestamps import explain_implausible, is_plausible
from schemas.users import FID, MAX_ATTRIBUTES_BYTES, DeviceChange, Preference, PreferenceChange, SuppressionRequest, UserChange

_match_locale = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*").fullmatch
_encode = msgspec.json.Encoder().encode


class FieldProblem(NamedTuple):
    """What is wrong with a field, which is named by its JSONPath; `reason` is a code."""

    path: str
    text: str
    reason: str = "invalid"


def find_user_id_problems(user_id: str) -> Iterator[FieldProblem]:
    """Why a text is no id of a user."""
    if "\0" in user_id or not 1 <= len(user_id) <= 256:
        yield FieldProblem("$.id", "must be a string of 1 to 256 characters without NUL")
    if problem := find_name_problem(user_id):
        yield FieldProblem("$.id", problem)
    if user_id.startswith(TOPIC_PREFIX):
        yield FieldProblem("$.id", f"an id that begins with {TOPIC_PREFIX} is the address of a topic, which has no profile")


def find_user_problems(change: UserChange) -> Iterator[FieldProblem]:
    """Why a user cannot be written like this."""
    yield from find_nul(msgspec.to_builtins(change))
    if change.addresses is not UNSET:
        yield from _find_address_problems(change.addresses)
    yield from find_place_problems(change.locale or "", change.time_zone or "")
    if change.tier and (problem := find_name_problem(change.tier)):
        yield FieldProblem("$.tier", problem)
    if change.attributes is not UNSET and len(_encode(change.attributes)) > MAX_ATTRIBUTES_BYTES:
        yield FieldProblem("$.attributes", f"must have at most {MAX_ATTRIBUTES_BYTES} bytes as JSON", "too_large")
    if isinstance(change.quiet_hours, QuietHours) and change.quiet_hours.start == change.quiet_hours.end:
        yield FieldProblem("$.quiet_hours.end", "must differ from start: a window of no time or of the whole day is not one")


def find_place_problems(locale: str, time_zone: str) -> Iterator[FieldProblem]:
    """Why nobody can have this locale or time zone; an empty one is none."""
    if locale and not _match_locale(locale):
        text = f"{locale[:64]!r} is no locale: write a language and, if it matters, a country, such as de or de-AT"
        yield FieldProblem("$.locale", text, "invalid_locale")
    if time_zone and (problem := find_time_zone_problem(time_zone)):
        yield FieldProblem("$.time_zone", problem, "unknown_time_zone")


def normalize_user_addresses(addresses: Mapping[ChannelName, Sequence[str] | str]) -> dict[ChannelName, list[str]]:
    """The normal forms of valid addresses, each once; a channel without any is left out."""
    usable = {channel: normalize_addresses(channel, _list_texts(texts)).usable for channel, texts in addresses.items()}
    return {channel: found for channel, found in usable.items() if found}


def find_device_problems(token: str, change: DeviceChange) -> Iterator[FieldProblem]:
    """Why a device cannot be written like this."""
    yield from find_nul(msgspec.to_builtins(change))
    for name in ("kind", "platform"):
        if problem := find_name_problem(getattr(change, name) or ""):
            yield FieldProblem(f"$.{name}", problem)
    if token.startswith(TOPIC_PREFIX):
        yield FieldProblem("$.token", "is a topic, not the token of a device")
    elif token.startswith(FID_PREFIX):
        yield FieldProblem("$.token", f"is written without {FID_PREFIX}: register the installation id itself, with the kind {FID}")
    elif isinstance(address := NORMALIZERS["push"](FID_PREFIX * (change.kind == FID) + token), InvalidAddress):
        yield FieldProblem("$.token", address.problem, "invalid_address")
    if change.last_seen_at is not UNSET and change.last_seen_at is not None and not is_plausible(change.last_seen_at):
        yield FieldProblem("$.last_seen_at", explain_implausible(change.last_seen_at))


def find_category_problem(category: str, known: Collection[str], path: str = "$.category") -> FieldProblem | None:
    """Why nothing can be chosen for a category: no rule has it, so that a misspelt opt-out would do nothing. None for all categories."""
    if not category or category in known:
        return None
    names = ", ".join(sorted(known)) or "none, as there are no rules"
    return FieldProblem(path, f"no rule has the category {category!r}; the categories are: {names}", "unknown_category")


def find_preference_problems(changes: Sequence[Preference | PreferenceChange], categories: Collection[str]) -> Iterator[FieldProblem]:
    """Why the preferences of a user cannot be written like this; what is deleted may have a category that no rule has any more."""
    places: dict[tuple[str, str], int] = {}
    for index, change in enumerate(changes):
        path = f"$.items[{index}]"
        yield from find_nul(msgspec.to_builtins(change), path)
        if change.choice is not None and (problem := find_category_problem(change.category, categories, f"{path}.category")):
            yield problem
        if problem := find_digest_problem(change.channel, change.digest, f"{path}.digest"):
            yield problem
        first = places.setdefault((change.category, change.channel), index)
        if first != index:
            yield FieldProblem(path, f"is for the same category and channel as items[{first}]: leave one out", "duplicate")


def find_digest_problem(channel: str, digest: str, path: str) -> FieldProblem | None:
    """Why nobody can choose this digest: one message goes out on all channels, so that a channel cannot have a digest of its own."""
    if not channel or not digest:
        return None
    return FieldProblem(path, "is for all channels: choose a digest without a channel, for a category or for everything")


def find_suppression_problems(request: SuppressionRequest, categories: Collection[str]) -> Iterator[FieldProblem]:
    """Why a suppression cannot be written like this."""
    yield from find_nul(msgspec.to_builtins(request))
    if not request.address and request.user_id is None:
        yield FieldProblem("$.address", "is missing: name an address, or a user with user_id")
    if request.address and isinstance(address := NORMALIZERS[request.channel](request.address), InvalidAddress):
        yield FieldProblem("$.address", address.problem, "invalid_address")
    if problem := find_category_problem(request.category, categories):
        yield problem


def normalize_suppressed_address(channel: ChannelName, text: str) -> str:
    """The form in which an address is compared; empty for an empty text."""
    address = NORMALIZERS[channel](text) if text else ""
    return build_comparison_key(channel, text if isinstance(address, InvalidAddress) else address)


def find_nul(value: Any, path: str = "$") -> Iterator[FieldProblem]:
    """The texts and names with the character NUL, which PostgreSQL cannot store."""
    if isinstance(value, str) and "\0" in value:
        yield FieldProblem(path, "has the character NUL (\\u0000), which cannot be stored")
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield FieldProblem(path, "has a name with the character NUL (\\u0000), which cannot be stored")
            yield from find_nul(item, f"{path}.{name}" if name.isidentifier() else f"{path}[...]")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_nul(item, f"{path}[{index}]")


def _find_address_problems(addresses: Mapping[ChannelName, Sequence[str] | str]) -> Iterator[FieldProblem]:
    for channel, texts in addresses.items():
        path = f"$.addresses.{channel}"
        if get_channel(channel).has_devices:
            yield FieldProblem(path, "has the tokens of devices, which are written as devices of the user", "invalid_address")
            continue
        for index, problem in normalize_addresses(channel, _list_texts(texts)).problems.items():
            yield FieldProblem(path if isinstance(texts, str) else f"{path}[{index}]", problem, "invalid_address")


def _list_texts(texts: Sequence[str] | str) -> Sequence[str]:
    return [texts] if isinstance(texts, str) else texts
