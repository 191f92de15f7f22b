"""What the cases of a batch are decided by: their plans, the keys of their rows, and the users whose profiles tell something."""

from collections.abc import Iterable

from agents.router import rate_limit, repeats, user
from agents.router.book import Book
from agents.router.case import Case


def prepare(cases: Iterable[Case], book: Book) -> list[str]:
    """Note in each case what it needs; the users to ask for, each once."""
    wanting: dict[str, None] = {}
    for case in cases:
        if case.ending is None:
            repeats.prepare(case)
            case.plan = plan = book.plan_of(case.notification)
            if plan is not None:
                if user.prepare(case, plan):
                    wanting[case.notification.user_id] = None
                rate_limit.prepare(case, plan)
    return list(wanting)


def keys_of(cases: Iterable[Case]) -> tuple[list[bytes], list[bytes]]:
    """The keys of their rows in the tables idempotency and rate_windows."""
    firsts: list[bytes] = []
    windows: dict[bytes, None] = {}
    for case in cases:
        if case.ending is None:
            firsts.append(case.first_key)
            if case.claim_key:
                firsts.append(case.claim_key)
            for key in case.window_keys.values():
                windows[key] = None
    return firsts, list(windows)
