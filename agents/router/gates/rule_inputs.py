"""What the expressions of a rule see of a notification and its user, and what of it the decision log shows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from agents.router.expressions import Expression
from agents.router.gates.recipient import get_explicit_addresses
from agents.router.routing_state import GateContext, RoutingState
from schemas.profile import Profile

MAX_SHOWN = 100  # characters of a text in the decision log

_UNKNOWN_PROFILE = Profile(user_id="", known=False)
_MISSING = object()
_STEPS = r"""(?:\s*\.\s*\w+|\[\s*(?:"\w+"|'\w+')\s*\])+"""
_PATH = re.compile(rf"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<![\w.])(data|user\s*\.\s*attributes)({_STEPS})""")
_STEP = re.compile(r"\w+")


def read_values(state: RoutingState, context: GateContext, names: Iterable[str]) -> dict[str, object]:
    """The values of these variables (agents/router/expressions.py)."""
    profile = context.profiles.get(state.notification.user_id, _UNKNOWN_PROFILE)
    return {name: _READERS[name](state, profile) for name in names}


def describe_values(expression: Expression, values: Mapping[str, object]) -> dict[str, object]:
    """What the expression read, for the decision log: of data and attributes the fields that it names, of addresses their number."""
    shown: dict[str, object] = {}
    for name in expression.names:
        value = values[name]
        if name == "addresses" and isinstance(value, dict):
            shown[name] = {channel: len(addresses) for channel, addresses in value.items()}
        elif isinstance(value, dict):
            shown |= _find_fields(name, value, expression.text)
        else:
            shown[name] = _shorten(value)
    return shown


def _find_fields(name: str, fields: dict[str, Any], text: str) -> Iterator[tuple[str, object]]:
    """The fields that the text of an expression names, as `data.order.total`, each as far as it is there."""
    for variable, steps in _PATH.findall(text):
        if "".join(variable.split()) == name:
            path, value = name, cast(Any, fields)
            for step in _STEP.findall(steps):
                if not isinstance(value, dict):
                    break  # a method of the value
                path, value = f"{path}.{step}", value.get(step, _MISSING)
            yield path, _shorten(value)


def _shorten(value: object) -> object:
    """The value if it is short, else its beginning or its number of items."""
    if value is _MISSING:
        return "missing"
    if isinstance(value, str):
        return value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}..."
    if isinstance(value, dict | list):
        return f"{len(value)} items"
    return value.isoformat() if isinstance(value, datetime) else value


def _collect_addresses(state: RoutingState, profile: Profile) -> dict[str, list[str]]:
    """By channel, those that came with the notification, else the stored ones."""
    assert state.plan is not None
    channels = {name: get_explicit_addresses(state.notification, name) or profile.addresses.get(name) for name in state.plan.candidates}
    return {channel: addresses for channel, addresses in channels.items() if addresses}


def _get_category(state: RoutingState) -> str:
    assert state.plan is not None
    return state.notification.category or state.plan.rule.category


_READERS: Mapping[str, Callable[[RoutingState, Profile], object]] = {
    "data": lambda state, profile: state.notification.data,
    "notification.type": lambda state, profile: state.notification.type,
    "notification.category": lambda state, profile: _get_category(state),
    "notification.priority": lambda state, profile: state.topics.priority,
    "notification.locale": lambda state, profile: state.notification.locale or "",
    "notification.template": lambda state, profile: state.notification.template or "",
    "notification.received_at": lambda state, profile: datetime.fromtimestamp(state.record_time, UTC),
    "user.id": lambda state, profile: state.notification.user_id,
    "user.known": lambda state, profile: profile.known,
    "user.tier": lambda state, profile: profile.tier,
    "user.locale": lambda state, profile: profile.locale,
    "user.time_zone": lambda state, profile: profile.time_zone,
    "user.attributes": lambda state, profile: profile.attributes,
    "addresses": lambda state, profile: _collect_addresses(state, profile),
}
