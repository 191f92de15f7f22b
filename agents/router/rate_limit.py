"""The rate limit gate: which channels have room for one more; what is admitted is written down only when it goes out."""

from functools import lru_cache
from typing import Any

from msgspec import Raw

from agents.router.book import Book
from agents.router.case import Case, Desk, Ending, refused, step
from schemas.words import Channel, Reason
from tables import rate_windows
from tables.rate_windows import Full

GATE = "rate_limit"


def prepare(case: Case, book: Book) -> None:
    """Note the keys of the rows in question, and the mark by which the notification finds itself in them."""
    user_id, windows = case.notification.user_id, book.windows
    case.window_keys = {channel: rate_windows.key_of(user_id, channel) for channel in case.candidates if channel in windows}
    case.mark = rate_windows.mark_of(case.id)


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification with at least one channel that has room in all its windows."""
    limited: dict[Channel, Full] = {}
    for channel, key in case.window_keys.items():
        if channel in case.addresses:
            full = rate_windows.full(desk.rows.windows[key], desk.book.windows[channel], case.now, case.mark)
            if full is not None:
                limited[channel] = full
    if not limited:
        case.trace.append(_within(desk.book.limits, tuple(case.addresses)))
        return None
    case.limited = limited
    inputs: dict[str, Any] = {channel: _told(full) for channel, full in limited.items()}
    if len(limited) < len(case.addresses):
        case.trace.append(step(GATE, "pass", "some_limited", inputs))
        return None
    return refused(case, GATE, Reason.RATE_LIMITED, inputs)


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


@lru_cache(maxsize=1024)
def _within(limits: tuple[tuple[Channel, str], ...], channels: tuple[Channel, ...]) -> Raw:
    inputs: dict[str, Any] = {channel: limit for channel, limit in limits if channel in channels}
    return step(GATE, "pass", "" if inputs else "no_limits", inputs)


def _told(full: Full) -> dict[str, float | None]:
    return {"used": full.used, "most": full.most, "seconds": full.seconds, "frees_at": full.frees_at}
