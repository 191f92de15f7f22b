"""Compiles the filter of an audience: the conditions are texts of queries/audience_filters.sql, and its values are parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from schemas.audiences import AudienceFilter
from schemas.channels import get_channel
from schemas.timestamps import to_epoch_seconds
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.query_loader import load_queries

_SQL = load_queries("audience_filters")
_ALL_USERS = "true"


class Condition(NamedTuple):
    """A condition on the table `users`, and the values of its parameters, which are numbered from `first` on."""

    sql: str
    values: list[object]


def compile_filter(audience_filter: AudienceFilter, first: int, sealing: ColumnSealing | None = None) -> Condition:
    """The condition for a filter; its parameters have the numbers from `first` on. With `sealing` also users who are sealed match."""
    values: list[object] = []
    return Condition(_compile(audience_filter, first, values, sealing), values)


def _compile(audience_filter: AudienceFilter, first: int, values: list[object], sealing: ColumnSealing | None) -> str:
    """The condition; appends the values of its parameters."""
    conditions = []
    for name, encode in _ENCODERS.items():
        value = getattr(audience_filter, name)
        if value is not UNSET:
            conditions.append(_bind(name, encode(value), first, values))
    if audience_filter.attributes is not UNSET:
        conditions.append(_bind("attributes", _encode_attributes(audience_filter.attributes, sealing), first, values))
    if audience_filter.has_channel is not UNSET:
        channels = [get_channel(name) for name in audience_filter.has_channel]
        if addressed := [channel.name for channel in channels if not channel.has_devices]:
            conditions.append(_bind("has_channel", addressed, first, values))
        if len(addressed) < len(channels):
            conditions.append(_SQL["has_device"])
    if audience_filter.any is not UNSET:
        conditions.append("(" + " or ".join(_compile(one, first, values, sealing) for one in audience_filter.any) + ")")
    if audience_filter.negated is not UNSET:
        conditions.append(f"not {_compile(audience_filter.negated, first, values, sealing)}")
    return f"({' and '.join(conditions) or _ALL_USERS})"


def _bind(name: str, value: object, first: int, values: list[object]) -> str:
    """The condition of this name with the number of its parameter, whose value is appended."""
    values.append(value)
    return _SQL[name].replace("{number}", str(first + len(values) - 1))


def _encode_attributes(attributes: dict[str, Any], sealing: ColumnSealing | None) -> list[str]:
    forms = [attributes] if sealing is None else [attributes, sealing.index.compute_value(attributes)]
    return [msgspec.json.encode(form).decode() for form in forms]


def _encode_locales(locales: list[str]) -> list[str]:
    return [locale.lower().replace("_", "-") for locale in locales]


_ENCODERS: dict[str, Callable[[Any], object]] = {
    "tier": list,
    "locale": _encode_locales,
    "time_zone": list,
    "created_after": to_epoch_seconds,
    "created_before": to_epoch_seconds,
}
