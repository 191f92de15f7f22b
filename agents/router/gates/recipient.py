"""The gate recipient: the addresses of the user on each channel, given with the notification or stored in the profile."""

from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Reject, Verdict
from schemas.addresses import NORMALIZERS, normalize_addresses
from schemas.channels import CHANNELS, ChannelName
from schemas.notification import Notification
from schemas.profile import EndpointRef, Profile
from schemas.webhook_endpoints import matches_type

NAME = "recipient"
UNKNOWN_USER = "unknown_user"
NO_ADDRESS = "no_address"
INVALID_ADDRESS = "invalid_address"

_ADDRESS_PREFIXES = {channel.name: channel.address_prefix for channel in CHANNELS if channel.address_prefix}
_ALL_ADDRESS_PREFIXES = tuple(_ADDRESS_PREFIXES.values())
_UNKNOWN_PROFILE = Profile(user_id="", known=False)
_NONE: list[str] = []
_CHANNELS_WITH_ENDPOINTS = frozenset(channel.name for channel in CHANNELS if channel.has_endpoints)
_NO_ENDPOINTS: Mapping[str, EndpointRef] = MappingProxyType({})
_ENDPOINTS = "endpoints"
DISABLED, OTHER_TYPES = "is disabled", "takes other types"


def get_explicit_addresses(notification: Notification, channel: ChannelName) -> list[str]:
    """The addresses that came with the notification; a user id that is an address of the channel is its own."""
    given = notification.to.get(channel)
    if given is None:
        prefix = _ADDRESS_PREFIXES.get(channel)
        return [notification.user_id] if prefix and notification.user_id.startswith(prefix) else []
    return [given] if isinstance(given, str) else given


def has_explicit_address(notification: Notification, channels: Iterable[ChannelName]) -> bool:
    """Whether an address for one of these channels came with the notification."""
    return any(get_explicit_addresses(notification, channel) for channel in channels)


def is_address(user_id: str) -> bool:
    """Whether the user id is itself an address of some channel, which has no profile."""
    return user_id.startswith(_ALL_ADDRESS_PREFIXES)


def prefetch(state: RoutingState) -> None:
    """Note whether the profile is needed for an address or an expression, and whether it is read, be it only for the locale."""
    notification = state.notification
    state.needs_profile = state.reads_profile = False  # a record that waited may have another plan now
    if state.plan is None:
        return
    expressions = state.plan.expressions
    is_needed = _is_any_missing(state.plan.candidates, notification.to) or (expressions is not None and expressions.reads_profile)
    if (is_needed or notification.locale is None) and not is_address(notification.user_id):
        state.needs_profile, state.reads_profile = is_needed, True


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification with at least one valid address; channels without one are left out, and the decision log says so."""
    assert state.plan is not None
    notification = state.notification
    profile = context.profiles.get(notification.user_id, _UNKNOWN_PROFILE)
    state.locale = notification.locale or profile.locale
    # a profile that only another record of the batch reads is not there in a replay
    state.time_zone = profile.time_zone if state.reads_profile else ""
    addresses_by_channel: dict[ChannelName, list[str]] = {}
    state.address_counts = counts = []
    state.address_faults = {}
    state.endpoints = _NO_ENDPOINTS
    for channel in state.plan.candidates:
        explicit = get_explicit_addresses(notification, channel)
        texts = explicit or profile.addresses.get(channel, _NONE)
        if profile.endpoints and not explicit and channel in _CHANNELS_WITH_ENDPOINTS:
            texts = _select_endpoints(state, profile.endpoints, texts)
        address = NORMALIZERS[channel](texts[0]) if len(texts) == 1 else None  # the usual case
        addresses = [address] if isinstance(address, str) else _normalize_addresses(state, channel, texts)
        counts.append(len(addresses))
        if addresses:
            addresses_by_channel[channel] = addresses
    state.addresses = addresses_by_channel
    if addresses_by_channel:
        return PASS
    inputs = {"channels": state.plan.candidates, **state.address_faults}
    if state.address_faults.keys() - {_ENDPOINTS}:
        return Reject(INVALID_ADDRESS, inputs)
    is_known = profile.known or is_address(notification.user_id)
    return Reject(NO_ADDRESS if is_known else UNKNOWN_USER, inputs)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: how many addresses each channel has, which have none, and which addresses were dropped."""
    assert state.plan is not None
    counts = dict(zip(state.plan.candidates, state.address_counts, strict=True))
    inputs: dict[str, Any] = {"addresses": {channel: count for channel, count in counts.items() if count}}
    if without := [channel for channel, count in counts.items() if not count]:
        inputs["without"] = without
    return encode_pass(NAME, "", inputs | state.address_faults)


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    reasons={
        UNKNOWN_USER: "the user is unknown, and the notification has no address",
        NO_ADDRESS: "the user has no address on any of its channels",
        INVALID_ADDRESS: "none of the addresses can be used",
    },
    remedies={
        UNKNOWN_USER: "the user would have to be stored with an address for {channels:list}, or the producer to give one in `to`",
        NO_ADDRESS: "the user would have to have an address for {channels:list}, or the producer to give one in `to`",
        INVALID_ADDRESS: "the addresses that the gate names would have to be corrected",
    },
)


def _normalize_addresses(state: RoutingState, channel: ChannelName, texts: Sequence[str]) -> list[str]:
    """The usable addresses, each once; a dropped one is a fault, by its place in the notification or the profile."""
    if not texts:
        return []
    normalized, notification = normalize_addresses(channel, texts), state.notification
    if normalized.duplicates or normalized.problems:
        names = _name_addresses(notification, channel, len(texts))
        for index, first in normalized.duplicates.items():
            state.address_faults.setdefault("duplicates", {})[names[index]] = names[first]
        for index, problem in normalized.problems.items():
            state.address_faults.setdefault("invalid", {})[names[index]] = problem
    return normalized.usable


def _select_endpoints(state: RoutingState, endpoints: Sequence[EndpointRef], texts: Sequence[str]) -> list[str]:
    """The addresses without those of endpoints that are disabled or take other types; the decision log names these."""
    by_url, type_ = {endpoint.url: endpoint for endpoint in endpoints}, state.notification.type
    selected, found = [], {}
    for text in texts:
        endpoint = by_url.get(text)
        if endpoint is None:
            selected.append(text)
        elif endpoint.is_enabled and matches_type(endpoint.types, type_):
            selected.append(text)
            found[text] = endpoint
        else:
            state.address_faults.setdefault(_ENDPOINTS, []).append(f"{endpoint.id} {OTHER_TYPES if endpoint.is_enabled else DISABLED}")
    state.endpoints = found
    return selected


def _name_addresses(notification: Notification, channel: ChannelName, count: int) -> list[str]:
    given = notification.to.get(channel)
    if isinstance(given, str):
        return [f"to.{channel}"]
    if given is None and get_explicit_addresses(notification, channel):
        return ["user_id"]
    source = "profile" if given is None else "to"
    return [f"{source}.{channel}[{index}]" for index in range(count)]


def _is_any_missing(candidates: Iterable[ChannelName], given: Container[ChannelName]) -> bool:
    for channel in candidates:  # noqa: SIM110 any() with a generator takes three times as long
        if channel not in given:
            return True
    return False
