"""The gate rate limit: the channels that have room for one more; over the limits a notification is rejected or waits, as its rule says.

An admission is staged only for what is routed.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.recipient import is_address
from agents.router.gates.wording import Facts, describe_inputs, format_seconds, get_channel_word
from agents.router.routing_plan import RoutingPlan
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import MIN_HOLD_SECONDS, PASS, Hold, Reject, Verdict
from tables import rate_windows
from tables.rate_limit_scopes import ALL_CHANNELS, describe_limits
from tables.rate_windows import ExceededLimit

NAME = "rate_limit"
RATE_LIMITED = "rate_limited"
MAX_SHORTEST_HOLD = 3600.0  # seconds

_NONE_FULL: Mapping[str, ExceededLimit] = MappingProxyType({})


def prefetch(state: RoutingState) -> None:
    """Note the keys of the window rows, the fingerprint by which it finds its own entry in them, and whether the user's tier is needed."""
    plan = state.plan
    if plan is None:
        return
    user_key = state.user_key
    state.window_row_keys = [user_key + scope.key_suffix for scope in plan.scopes]
    state.fingerprint = rate_windows.compute_fingerprint(state.id)
    if plan.reads_tier and not is_address(state.notification.user_id):
        state.needs_profile = state.reads_profile = True


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification with room in the windows over all channels, and on at least one channel in all of its windows."""
    assert state.plan is not None
    state.full_windows, state.full_channels, state.tier = _NONE_FULL, (), ""
    if state.plan.reads_tier and (profile := context.profiles.get(state.notification.user_id)) is not None:
        state.tier = profile.tier
    rows = context.rows.rate_windows
    for scope, key in zip(state.plan.scopes, state.window_row_keys, strict=True):
        row, windows = rows[key], scope.windows if not state.tier else scope.get_windows(state.tier)
        if (row is None and not windows.has_zero_limit) or (scope.channel and scope.channel not in state.addresses):
            continue
        exceeded = rate_windows.find_exceeded_limit(row, windows, state.now, state.fingerprint)
        if exceeded is not None:
            state.full_windows = {**state.full_windows, scope.label: exceeded}
            state.full_channels = (*state.full_channels, scope.channel)
    if state.full_windows and ("" in state.full_channels or all(channel in state.full_channels for channel in state.addresses)):
        return _stop(state, state.plan)
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: its limits, or which of its windows are full."""
    assert state.plan is not None
    if state.full_windows:
        return encode_pass(NAME, "some_limited", _describe_windows(state.full_windows))
    scopes = [scope for scope in state.plan.scopes if not scope.channel or scope.channel in state.addresses]
    limits = {scope.label: text for scope in scopes if (text := describe_limits(scope.get_windows(state.tier)))}
    return encode_pass(NAME, "" if limits else "no_limits", limits)


def stage(state: RoutingState, verdict: Verdict, context: GateContext) -> None:
    """Stage an entry in the window of each scope in which a routed notification counts: once, on however many channels it goes out."""
    if verdict is not PASS or state.notification.is_test:  # a test takes no place from what is live
        return
    assert state.plan is not None
    rows = context.rows
    for scope, key in zip(state.plan.scopes, state.window_row_keys, strict=True):
        windows = scope.windows if not state.tier else scope.get_windows(state.tier)
        if (scope.channel and scope.channel not in state.channels) or not (windows.exact_limits or windows.sliced_limits):
            continue
        old = rows.rate_windows[key]
        new = rate_windows.add_entry(old, windows, state.now, state.fingerprint)
        if new is not old:
            # a count that is claimed would be counted again by a replay, and its window full too early
            (rows.stage_exact_window if windows.exact_limits else rows.stage_sliced_window)(key, new)


def describe(facts: Facts) -> str:
    """The limits of each channel; of a full window, how many it contains."""
    words = []
    for channel, window in facts.inputs.items():
        if channel == "until":
            continue
        if not isinstance(window, Mapping):
            return describe_inputs(facts) or "no limits"
        counts = f"{window['used_count']} of {window['max_count']} in {format_seconds(window['window_seconds'])}"
        name, *category = channel.split(", ", 1)
        words.append(f"{', '.join([get_channel_word(name), *category])}: {counts}")
    return "; ".join(words) or "no limits"


def _write_remedy(facts: Facts) -> str:
    return "; ".join(_describe_room(facts, label) for label, window in facts.inputs.items() if isinstance(window, Mapping))


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    stage=stage,
    reasons={RATE_LIMITED: "the user has received as many notifications as the rate limits allow"},
    remedies={RATE_LIMITED: _write_remedy},
    describe=describe,
)


def _stop(state: RoutingState, plan: RoutingPlan) -> Verdict:
    """Hold until there is room if the rule says so, and the notification does not expire before; else reject."""
    inputs = _describe_windows(state.full_windows)
    if plan.rule.over_limit == "reject" or (room_at := _find_room_time(state)) is None:
        return Reject(RATE_LIMITED, inputs)
    # each time a longer wait: of many that wait for the same place, all but one come back in vain
    shortest = min(MIN_HOLD_SECONDS * 2 ** min(state.resume_count, 12), MAX_SHORTEST_HOLD)
    until = max(room_at, state.now + shortest)
    return Reject(RATE_LIMITED, inputs) if until >= state.expires_at else Hold(until, RATE_LIMITED, inputs)


def _find_room_time(state: RoutingState) -> float | None:
    """When the full windows have room for it on some channel (epoch seconds); None if they never have."""
    by_channel: dict[str, float] = {}
    for channel, exceeded in zip(state.full_channels, state.full_windows.values(), strict=True):
        by_channel[channel] = max(by_channel.get(channel, 0.0), math.inf if exceeded.reset_at is None else exceeded.reset_at)
    room_at = max(by_channel.pop("", 0.0), min((by_channel.get(channel, 0.0) for channel in state.addresses), default=0.0))
    return None if room_at == math.inf else room_at


def _describe_room(facts: Facts, label: str) -> str:
    window, (channel, _, category) = facts.inputs[label], label.partition(", ")
    counted = "messages over all channels" if channel == ALL_CHANNELS else get_channel_word(channel)
    of_category = f" of the category {category}" if category else ""
    limit = f"the limit of {window['max_count']} {counted}{of_category} in {format_seconds(window['window_seconds'])}"
    if window["reset_at"] is None:
        return f"{limit} never has room: an operator would have to raise it"
    return f"{limit} has room again at {facts.format_time(window['reset_at'])}"


def _describe_windows(full_windows: Mapping[str, ExceededLimit]) -> dict[str, Any]:
    return {
        label: {
            "used_count": exceeded.used_count,
            "max_count": exceeded.max_count,
            "window_seconds": exceeded.window_seconds,
            "reset_at": exceeded.reset_at,
        }
        for label, exceeded in full_windows.items()
    }
