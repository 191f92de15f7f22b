"""The rate limit gate: which channels have room for one more; what is admitted is written down only when it goes out."""

from functools import lru_cache
from typing import Any

from agents.router.case import Case, Desk, Ending, refused
from schemas.status import Step
from schemas.words import Channel, Reason
from tables import rate_windows
from tables.rate_windows import Full

GATE = "rate_limit"


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification with at least one channel that has room in all its windows."""
    case.limited = {}
    for channel in case.addresses:
        if full := _full(case, desk, channel):
            case.limited[channel] = full
    if not case.limited:
        case.trace.append(_within(tuple((channel, desk.book.limits.get(channel, "")) for channel in case.addresses)))
        return None
    inputs: dict[str, Any] = {channel: _told(full) for channel, full in case.limited.items()}
    if len(case.limited) < len(case.addresses):
        case.trace.append(Step(GATE, "pass", "some_limited", inputs))
        return None
    return refused(case, GATE, Reason.RATE_LIMITED, inputs)


def admit(case: Case, desk: Desk) -> None:
    """Write down, in the rows of the batch, each limited channel that the case goes out on."""
    for channel in case.chosen:
        if windows := desk.book.windows.get(channel):
            key = case.window_keys[channel]
            row = desk.rows.windows[key]
            admitted = rate_windows.admitted(row, windows, case.now, rate_windows.mark_of(case.id))
            if admitted is not row:
                desk.rows.stage_window(key, admitted)


def _full(case: Case, desk: Desk, channel: Channel) -> Full | None:
    windows = desk.book.windows.get(channel)
    if windows is None:
        return None
    return rate_windows.full(desk.rows.windows[case.window_keys[channel]], windows, case.now, rate_windows.mark_of(case.id))


@lru_cache(maxsize=1024)
def _within(limits: tuple[tuple[Channel, str], ...]) -> Step:
    inputs: dict[str, Any] = {channel: limit for channel, limit in limits if limit}
    return Step(GATE, "pass", "" if inputs else "no_limits", inputs)


def _told(full: Full) -> dict[str, float | None]:
    return {"used": full.used, "most": full.most, "seconds": full.seconds, "frees_at": full.frees_at}
