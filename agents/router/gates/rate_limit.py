"""The gate rate limit: the channels that have room for one more; an admission is staged only for what is routed."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.wording import Facts, describe_inputs, format_seconds, get_channel_word
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Reject, Verdict
from schemas.channels import ChannelName
from tables import rate_windows
from tables.rate_windows import ExceededLimit

NAME = "rate_limit"
RATE_LIMITED = "rate_limited"


def prefetch(state: RoutingState) -> None:
    """Note the keys of the window rows, and the fingerprint by which the notification finds its own entry in them."""
    if state.plan is None:
        return
    keys: dict[ChannelName, bytes] = {}
    for channel, suffix in state.plan.window_key_suffixes:
        keys[channel] = state.user_key + suffix
    state.window_row_keys = keys
    state.fingerprint = rate_windows.compute_fingerprint(state.id)


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification with at least one channel that has room in all its windows."""
    full_windows: dict[ChannelName, ExceededLimit] = {}
    rows, windows = context.rows.rate_windows, context.policy.windows
    for channel, key in state.window_row_keys.items():
        if channel in state.addresses:
            exceeded = rate_windows.find_exceeded_limit(rows[key], windows[channel], state.now, state.fingerprint)
            if exceeded is not None:
                full_windows[channel] = exceeded
    state.full_windows = full_windows
    if full_windows and len(full_windows) == len(state.addresses):
        return Reject(RATE_LIMITED, _describe_windows(full_windows))
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: its limits, or which of its channels are full."""
    assert state.plan is not None
    if state.full_windows:
        return encode_pass(NAME, "some_limited", _describe_windows(state.full_windows))
    limits = {channel: text for channel, text in state.plan.limit_texts.items() if channel in state.addresses}
    return encode_pass(NAME, "" if limits else "no_limits", limits)


def stage(state: RoutingState, verdict: Verdict, context: GateContext) -> None:
    """Stage an entry in the window of each limited channel that a routed notification goes out on."""
    if verdict is not PASS:
        return
    rows = context.rows
    for channel in state.channels:
        key = state.window_row_keys.get(channel)
        if key is not None:
            old, windows = rows.rate_windows[key], context.policy.windows[channel]
            new = rate_windows.add_entry(old, windows, state.now, state.fingerprint)
            if new is not old:
                # a count that is claimed would be counted again by a replay, and its window full too early
                (rows.stage_exact_window if windows.exact_limits else rows.stage_sliced_window)(key, new)


def describe(facts: Facts) -> str:
    """The limits of each channel; of a full window, how many it contains."""
    words = []
    for channel, window in facts.inputs.items():
        if not isinstance(window, Mapping):
            return describe_inputs(facts) or "no limits"
        counts = f"{window['used_count']} of {window['max_count']} in {format_seconds(window['window_seconds'])}"
        words.append(f"{get_channel_word(channel)}: {counts}")
    return "; ".join(words) or "no limits"


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    stage=stage,
    reasons={RATE_LIMITED: "the user has received as many notifications as the rate limits allow"},
    remedies={RATE_LIMITED: lambda facts: "; ".join(_describe_room(facts, channel) for channel in facts.inputs)},
    describe=describe,
)


def _describe_room(facts: Facts, channel: str) -> str:
    window = facts.inputs[channel]
    limit = f"the limit of {window['max_count']} {get_channel_word(channel)} in {format_seconds(window['window_seconds'])}"
    if window["reset_at"] is None:
        return f"{limit} never has room: an operator would have to raise it"
    return f"{limit} has room again at {facts.format_time(window['reset_at'])}"


def _describe_windows(full_windows: Mapping[ChannelName, ExceededLimit]) -> dict[str, Any]:
    return {
        channel: {
            "used_count": exceeded.used_count,
            "max_count": exceeded.max_count,
            "window_seconds": exceeded.window_seconds,
            "reset_at": exceeded.reset_at,
        }
        for channel, exceeded in full_windows.items()
    }
