"""The submissions of the sample that wait: for a time, quiet hours, another channel or a digest, and those that are cancelled meanwhile."""

from collections.abc import Iterator
from typing import Any

from agents.router.gates.digest_words import DIGEST
from agents.router.gates.quiet_hours import QUIET_HOURS
from agents.router.quiet_hours import find_quiet_end
from agents.scheduler.changes import CANCELLED
from dev.sample import catalog
from dev.sample.draft import Draft, build_kafka_draft
from dev.sample.guests import PRIORITIES, PROFILES, build_guest_draft, build_guest_notification, expect_routed
from dev.sample.sample_file import QUIET_USER_PLACEHOLDER

SEND_AFTER = 1.5  # seconds; no more, because a run waits for the last one
CANCELLED_SEND_AFTER = 3600.0  # seconds; long enough that none is sent before it is cancelled


def build_drafts() -> Iterator[Draft]:
    """Build all submissions that wait."""
    for number in range(3300, 3306):
        notification = build_guest_notification(number, "promo.sale")
        yield build_guest_draft(number % 2 == 0, notification, expect_routed(notification), send_after=SEND_AFTER)
    for number in range(3310, 3314):
        notification = build_guest_notification(number, "order.delivered")
        expected = [f"rejected {CANCELLED}"]
        yield build_guest_draft(number % 2 == 0, notification, expected, send_after=CANCELLED_SEND_AFTER, cancel=True)
    yield from _build_quiet()
    for number in range(3330, 3334):  # the push message fails, and an SMS follows
        to = {"push": f"bounce:device-{number}", "sms": f"+1202555{100 + number % 100:04d}"}
        notification = build_guest_notification(number, "courier.waiting", to=to)
        yield build_guest_draft(False, notification, expect_routed(notification), escalates=True)
    for number in range(3340, 3352):  # four wishes of each of three users
        to = {"email": f"wishes{number % 3}@example.org"}
        notification = build_guest_notification(number, "wishlist.in-stock", user_id=f"wishes-{{run}}-{number % 3}", to=to, locale="en")
        yield build_guest_draft(number % 2 == 0, notification, [f"merged {DIGEST}"])


def _build_quiet() -> Iterator[Draft]:
    """Build newsletters that wait for the end of quiet hours, and alerts that do not."""
    for number in range(3320, 3326):
        type_ = "newsletter.weekly" if number % 2 else "account.login-alert"
        notification = {"type": type_, "data": catalog.build_template_data(type_, number)}
        expected = [f"held {QUIET_HOURS}"] if number % 2 else _expect_routed_to_quiet_user(notification)
        yield build_kafka_draft(PRIORITIES[type_], expected, notification={"user_id": QUIET_USER_PLACEHOLDER, **notification})


def _expect_routed_to_quiet_user(notification: dict[str, Any]) -> list[str]:
    """All users with quiet hours have addresses on the same channels."""
    return expect_routed({"user_id": next(user for user, profile in PROFILES.items() if profile.quiet_hours), **notification})


def select_quiet_user(now: float) -> str:
    """Select the seeded user whose quiet hours last longest from now (epoch seconds); the quiet hours of two cover the day."""
    ends = {
        user: find_quiet_end(profile.quiet_hours, profile.time_zone, now) or 0
        for user, profile in PROFILES.items()
        if profile.quiet_hours is not None
    }
    return max(ends, key=lambda user: ends[user])
