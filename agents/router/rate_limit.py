"""The rate limit gate: which channels have room for one more; what is admitted is written down only when it goes out."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from agents.router.case import Case, Desk, Ending, passed, refused
from agents.router.plan import Plan
from schemas.words import Channel, Reason
from tables import rate_windows
from tables.rate_windows import Full

GATE = "rate_limit"


def prepare(case: Case, plan: Plan) -> None:
    """Note the keys of the rows in question, and the mark by which the notification finds itself in them."""
    keys: dict[Channel, bytes] = {}
    for channel, end in plan.key_ends:
        keys[channel] = case.user + end
    case.window_keys = keys
    case.mark = rate_windows.mark_of(case.id)


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification with at least one channel that has room in all its windows."""
    limited: dict[Channel, Full] = {}
    for channel, key in case.window_keys.items():
        if channel in case.addresses:
            full = rate_windows.full(desk.rows.windows[key], desk.book.windows[channel], case.now, case.mark)
            if full is not None:
                limited[channel] = full
    case.limited = limited
    return refused(GATE, Reason.RATE_LIMITED, _told(limited)) if limited and len(limited) == len(case.addresses) else None


def told(case: Case) -> Raw:
    """The step of a case that passed: its limits, or which of its channels are full."""
    assert case.plan is not None
    if case.limited:
        return passed(GATE, "some_limited", _told(case.limited))
    inputs: dict[str, Any] = {channel: limit for channel, limit in case.plan.limits.items() if channel in case.addresses}
    return passed(GATE, "" if inputs else "no_limits", inputs)


def admit(case: Case, desk: Desk) -> None:
    """Write down, in the rows of the batch, each limited channel that the case goes out on."""
    for channel in case.chosen:
        key = case.window_keys.get(channel)
        if key is not None:
            row, windows = desk.rows.windows[key], desk.book.windows[channel]
            admitted = rate_windows.admitted(row, windows, case.now, case.mark)
            if admitted is not row:
                # a count that is claimed would be counted again by a replay, and its window full too early
                (desk.rows.stage_window if windows.exact else desk.rows.stage_count)(key, admitted)


def _told(limited: Mapping[Channel, Full]) -> dict[str, Any]:
    return {channel: {"used": f.used, "most": f.most, "seconds": f.seconds, "frees_at": f.frees_at} for channel, f in limited.items()}
