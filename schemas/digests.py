"""When a digest is sent: as its rule says, unless the user has chosen how messages are gathered; pure."""

from collections.abc import Mapping

from schemas.cron import find_next
from schemas.lifetimes import MAX_DIGEST_WINDOW
from schemas.policy import DigestPolicy

OFF = "off"
CHOICES: Mapping[str, str] = {"hourly": "0 * * * *", "daily": "0 8 * * *", "weekly": "0 8 * * 1"}
"""What a user can choose, as a cron expression in the user's zone."""


def find_digest_choice(digests: Mapping[str, str], category: str) -> str:
    """The user's choice for a category, else for all; empty without one."""
    return digests.get(category) or digests.get("", "")


def is_gathered(policy: DigestPolicy, choice: str) -> bool:
    """Whether a notification is gathered, by its rule and the user's choice."""
    return choice != OFF if choice else policy.by_default


def find_window_end(policy: DigestPolicy, choice: str, time_zone: str, now: float) -> float:
    """When a digest that opens `now` is sent (epoch seconds): at most MAX_DIGEST_WINDOW later. An unknown zone counts as UTC."""
    latest = now + MAX_DIGEST_WINDOW
    expression = CHOICES.get(choice) or policy.cron
    if not expression:
        return min(now + policy.window, latest)
    end = find_next(expression, time_zone, now)
    return latest if end is None else min(end, latest)
