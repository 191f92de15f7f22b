"""Generates docs/samples/shop.jsonl: 1,000 submissions of a shop, valid, duplicate, expired and invalid; the output is always the same.

`python -m dev.sample.generator` writes the file; a test fails if the committed file differs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import msgspec

from agents.router.gates.idempotency import DUPLICATE, OTHER_CONTENT
from agents.router.gates.rate_limit import RATE_LIMITED
from agents.router.gates.recipient import INVALID_ADDRESS, NO_ADDRESS, UNKNOWN_USER
from agents.router.gates.rule import CONDITION
from dev.sample import catalog, held_submissions, invalid_submissions
from dev.sample.draft import Draft, build_http_draft, build_kafka_draft
from dev.sample.expected_result import compute_delivery_statuses
from dev.sample.guests import POLICY, PRIORITIES, PROFILES, build_guest_draft, build_guest_notification, expect_routed, list_reachable_users
from dev.sample.sample_file import SAMPLE_FILE, SampleLine
from schemas.enums import Reason

GENERATE_COMMAND = "python -m dev.sample.generator"
SAMPLE_SIZE = 1000
RANDOM_SEED = 2026
TYPE_WEIGHTS = (  # type, percent of the everyday notifications
    ("order.confirmed", 20),
    ("order.shipped", 18),
    ("newsletter.weekly", 16),
    ("promo.sale", 14),
    ("order.delivered", 10),
    ("account.otp", 8),
    ("account.login-alert", 5),
    ("partner.order-webhook", 4),
    ("payment.failed", 3),
    ("account.password-reset", 2),
)
STORED_USER_TYPES = ("account.login-alert", "account.password-reset", "order.confirmed", "order.shipped", "newsletter.weekly", "promo.sale")
SMS_LIMIT = 10  # per hour, as seeded
FEEDBACK_LIMIT = 2  # per week, as seeded for the category
STUB_RECIPIENTS = (  # type, channel, address with a stub (docs/simulators.md), number of notifications
    ("order.confirmed", "email", "bounce+{n}@example.org", 12),
    ("order.confirmed", "email", "reject+{n}@example.org", 4),
    ("newsletter.weekly", "email", "unsubscribed.silent+{n}@example.org", 3),  # not reported, or a second run would find it suppressed
    ("order.confirmed", "email", "throttle-1+{n}@example.org", 2),
    ("order.confirmed", "email", "fail-1+{n}@example.org", 6),
    ("order.confirmed", "email", "fail+{n}@example.org", 3),
    ("order.confirmed", "email", "reset-1+{n}@example.org", 3),
    ("account.otp", "sms", "+15005550001", 8),
    ("account.otp", "sms", "+15005550003", 2),
    ("account.otp", "sms", "+15005550004", 5),
    ("account.otp", "sms", "+15005551101", 2),
    ("account.otp", "sms", "+15005551201", 4),
    ("account.otp", "sms", "+15005551200", 2),
    ("order.shipped", "push", "unsubscribed:device-{n}", 8),
    ("order.shipped", "push", "bounce:device-{n}", 3),
    ("order.shipped", "push", "reject:device-{n}", 2),
    ("order.shipped", "push", "throttle-1:device-{n}", 2),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/bounce/{n}", 4),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/fail/{n}", 1),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/throttle-1/{n}", 2),
)


def build_lines() -> list[SampleLine]:
    """Build all lines in the order of the file."""
    rng = Random(RANDOM_SEED)
    special_drafts = [
        *build_duplicates(),
        *build_expired(),
        *build_unreachable(),
        *build_unwanted(),
        *build_rate_limited(),
        *build_category_limited(),
        *held_submissions.build_drafts(),
        *build_stub_recipients(),
        *build_wrong_partition(),
        *build_topic_pushes(),
        *build_unusual_addresses(),
        *invalid_submissions.build_drafts(),
    ]
    drafts = [*special_drafts, *build_everyday(SAMPLE_SIZE - len(special_drafts), rng)]
    positions = {id(draft): rng.random() for draft in drafts}
    order = sorted(range(len(drafts)), key=lambda index: (_compute_sort_key(drafts[index], positions), index))
    numbers = {id(drafts[index]): number for number, index in enumerate(order, 1)}
    return [_resolve_line(drafts[index], numbers) for index in order]


def encode_lines() -> str:
    """Encode the content of the file."""
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in build_lines())


def _compute_sort_key(draft: Draft, positions: dict[int, float]) -> tuple[float, float]:
    """Compute the position in the file: random, and for a draft with `after` between that draft and the end of the file."""
    position = positions[id(draft)]
    if draft.after is None:
        return position, 0.0
    preceding, _ = _compute_sort_key(draft.after, positions)
    return preceding + (1 - preceding) * position, position


def _resolve_line(draft: Draft, numbers: dict[int, int]) -> SampleLine:
    line = draft.line
    if draft.replay_of is not None:
        line = msgspec.structs.replace(line, replay_of=numbers[id(draft.replay_of)])
    return line


def build_everyday(count: int, rng: Random) -> Iterator[Draft]:
    """Build valid notifications: every tenth to a stored user, two fifths over HTTP, some of these with an explicit priority."""
    types = [type_ for type_, percent in TYPE_WEIGHTS for _ in range(percent)]
    users = list_reachable_users()
    for number in range(count):
        type_ = types[int(rng.random() * len(types))]
        notification = build_guest_notification(number, type_)
        if number % 10 == 0:
            type_ = STORED_USER_TYPES[int(rng.random() * len(STORED_USER_TYPES))]
            notification = {"user_id": users[number // 10 % len(users)], "type": type_, "data": catalog.build_template_data(type_, number)}
            if not compute_delivery_statuses(notification, POLICY, PROFILES):
                notification = build_guest_notification(number, type_)
        priority = PRIORITIES[type_]
        if number % 5 < 2:
            yield build_http_draft(notification, expect_routed(notification), priority="medium" if number % 50 == 0 else None)
        else:
            yield build_kafka_draft(priority, expect_routed(notification), notification=notification)


def build_duplicates() -> Iterator[Draft]:
    """Build pairs of notifications with the same idempotency key and different ids, and pairs of a notification and its replay."""
    for number in range(2000, 2028):
        by_http = number % 4 == 0
        notification = build_guest_notification(number, "order.shipped", idempotency_key=f"shipped-{{run}}-{number}")
        original = build_guest_draft(by_http, notification, expect_routed(notification))
        reason = DUPLICATE
        if number % 7 == 2:  # a producer uses the key for two orders
            reason, notification = OTHER_CONTENT, {**notification, "data": catalog.build_template_data("order.shipped", number + 1)}
        yield from (original, build_guest_draft(by_http, notification, [f"rejected {reason}"], after=original))
    for number in range(2100, 2116):
        by_http = number % 4 == 0
        notification = build_guest_notification(number, "payment.failed")
        original = build_guest_draft(by_http, notification, expect_routed(notification))
        replay = SampleLine("http" if by_http else "kafka", ["replayed"])
        yield from (original, Draft(replay, after=original, replay_of=original))


def build_expired() -> Iterator[Draft]:
    """Build notifications that expired before they are submitted."""
    for number in range(2200, 2225):
        notification = build_guest_notification(number, "promo.sale", expires_at=1_600_000_000.0 + number)
        by_http = number % 5 < 2
        yield build_guest_draft(by_http, notification, [f"{'unprocessable' if by_http else 'rejected'} {Reason.EXPIRED}"])


def build_unreachable() -> Iterator[Draft]:
    """Build notifications to unknown users, and to users without an address on the requested channel."""
    for number in range(2300, 2315):
        notification = {
            "user_id": f"ghost-{{run}}-{number}",
            "type": "order.confirmed",
            "data": catalog.build_template_data("order.confirmed", number),
        }
        yield build_kafka_draft("medium", [f"rejected {UNKNOWN_USER}"], notification=notification)
    missing_addresses = (("u-lise", "email"), ("u-rosa", "sms"), ("u-carl", "push"), ("u-ada", "webhook"), ("u-partner-north", "email"))
    for number in range(2320, 2330):
        user_id, channel = missing_addresses[number % len(missing_addresses)]
        notification = {
            "user_id": user_id,
            "type": "order.shipped",
            "channels": [channel],
            "data": catalog.build_template_data("order.shipped", number),
        }
        yield build_kafka_draft("medium", [f"rejected {NO_ADDRESS}"], notification=notification)


def build_unwanted() -> Iterator[Draft]:
    """Build notifications that the user's consent or the condition of a rule stops, and some that they let pass."""
    results = (
        ("u-karen", "newsletter.weekly", Reason.OPTED_OUT),
        ("u-noor", "order.confirmed", Reason.SUPPRESSED),
        ("u-alan", "club.offer", Reason.NOT_OPTED_IN),
        ("u-hedy", "club.offer", ""),
    )
    for number in range(2340, 2352):
        user_id, type_, reason = results[number % len(results)]
        notification = {"user_id": user_id, "type": type_, "data": catalog.build_template_data(type_, number)}
        expected = [f"rejected {reason}"] if reason else expect_routed(notification)
        yield build_kafka_draft(PRIORITIES[type_], expected, notification=notification)
    for number in range(2360, 2366):
        data = catalog.build_template_data("order.review", number)
        notification = build_guest_notification(number, "order.review", data={**data, "total": 20 if number % 2 else 80})
        expected = [f"rejected {CONDITION}"] if number % 2 else expect_routed(notification)
        yield build_kafka_draft("low", expected, notification=notification)


def build_rate_limited() -> Iterator[Draft]:
    """Build more SMS to three users than the rate limit admits."""
    for user in range(3):
        preceding: Draft | None = None
        for number in range(16):
            notification = build_guest_notification(2400 + number, "account.otp", user_id=f"burst-{{run}}-{user}", channels=["sms"])
            expected = expect_routed(notification) if number < SMS_LIMIT else [f"rejected {RATE_LIMITED}"]
            preceding = build_kafka_draft("high", expected, notification=notification, after=preceding)
            yield preceding


def build_category_limited() -> Iterator[Draft]:
    """Build more requests for feedback to two users than the rate limit of their category admits."""
    for user in range(2):
        preceding: Draft | None = None
        for number in range(4):
            notification = build_guest_notification(2450 + number, "feedback.request", user_id=f"asked-{{run}}-{user}")
            expected = expect_routed(notification) if number < FEEDBACK_LIMIT else [f"rejected {RATE_LIMITED}"]
            preceding = build_kafka_draft("low", expected, notification=notification, after=preceding)
            yield preceding


def build_stub_recipients() -> Iterator[Draft]:
    """Build notifications to addresses that select a stub of the simulators: bounces, rejections, throttling, errors."""
    for row, (type_, channel, address, count) in enumerate(STUB_RECIPIENTS):
        for number in range(2500 + row * 20, 2500 + row * 20 + count):
            to = {channel: address.replace("{n}", str(number))}
            notification = build_guest_notification(number, type_, channels=[channel], to=to)
            yield build_kafka_draft(PRIORITIES[type_], expect_routed(notification), notification=notification)


def build_wrong_partition() -> Iterator[Draft]:
    """Build records on the wrong partition: with another key, on another partition, and hashed with murmur2."""
    for number in range(3000, 3028):
        fields: dict[str, Any] = (
            {"partition": "murmur2"} if number % 2 else {"partition": "other"} if number % 4 else {"key": f"key-{number}"}
        )
        fields["id_source"] = "none" if number % 3 == 0 else "generated"
        notification = build_guest_notification(number, "order.shipped")
        yield build_kafka_draft("medium", expect_routed(notification), notification=notification, **fields)


def build_topic_pushes() -> Iterator[Draft]:
    """Build push notifications to a topic, and notifications without an id."""
    for number in range(3100, 3104):
        notification = {
            "user_id": f"topic:sale-{{run}}-{number}",
            "type": "promo.sale",
            "data": catalog.build_template_data("promo.sale", number),
        }
        yield build_kafka_draft("low", expect_routed(notification), notification=notification)
    for number in range(3110, 3150):
        notification = build_guest_notification(number, "newsletter.weekly")
        yield build_kafka_draft("low", expect_routed(notification), notification=notification, id_source="none")


def build_unusual_addresses() -> Iterator[Draft]:
    """Build notifications to addresses in unusual spellings; to one without a country code, whose next channel is used; and to none."""
    spellings = ("guest{n}@EXAMPLE.org", "\u200bguest{n}@example.org ", "guest{n}@bücher.example")
    for number in range(3200, 3206):
        notification = build_guest_notification(number, "order.confirmed", to={"email": spellings[number % 3].replace("{n}", str(number))})
        yield build_guest_draft(number % 2 == 0, notification, expect_routed(notification))
    for number, sms in enumerate(("+1 (202) 555-0101", "＋１２０２５５５０１０２", "0170 1234567"), 3210):
        notification = build_guest_notification(number, "account.otp", to={"sms": sms, "email": f"guest{number}@example.org"})
        yield build_guest_draft(False, notification, expect_routed(notification))
    for number, address in enumerate(("guest at example.org", "gäst@example.org"), 3220):
        notification = build_guest_notification(number, "order.confirmed", to={"email": address})
        yield build_guest_draft(False, notification, [f"rejected {INVALID_ADDRESS}"])
        yield build_guest_draft(True, notification, [f"unprocessable {INVALID_ADDRESS}"])


def count_expected(lines: Sequence[SampleLine]) -> tuple[Counter[str], Counter[str]]:
    """Count the expected results of the lines and the expected statuses of their deliveries."""
    return Counter(line.expected[0] for line in lines), Counter(status for line in lines for status in line.expected[1:])


if __name__ == "__main__":
    SAMPLE_FILE.write_text(encode_lines(), "utf-8")
    for counts in count_expected(build_lines()):
        print(sum(counts.values()), dict(sorted(counts.items())))
