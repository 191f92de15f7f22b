"""Makes docs/samples/shop.jsonl: exactly 1,000 submissions of a shop, good, doubled, late and broken, the same ones each time.

`python -m dev.sample.generator` writes the file; a test fails when the committed one differs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import msgspec

from agents.router.gates.idempotency import DUPLICATE
from agents.router.gates.rate_limit import RATE_LIMITED
from agents.router.gates.recipient import NO_ADDRESS, UNKNOWN_USER
from dev.sample import catalog, invalid_submissions
from dev.sample.draft import Draft, build_http_draft, build_kafka_draft
from dev.sample.expected_result import compute_delivery_statuses
from dev.sample.sample_file import SAMPLE_FILE, SampleLine
from schemas.enums import Reason
from tables.postgres.seed import load_seed_policy, load_seed_profiles

GENERATE_COMMAND = "python -m dev.sample.generator"
SAMPLE_SIZE = 1000
POLICY, PROFILES = load_seed_policy(), load_seed_profiles()
TYPE_WEIGHTS = (  # type and how often, of 100
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
SCRIPTED_RECIPIENTS = (  # type, channel, address, how many
    ("order.confirmed", "email", "bounce+{n}@example.org", 12),
    ("order.confirmed", "email", "reject+{n}@example.org", 4),
    ("newsletter.weekly", "email", "unsubscribed+{n}@example.org", 3),
    ("order.confirmed", "email", "throttle-1+{n}@example.org", 10),
    ("order.confirmed", "email", "fail-1+{n}@example.org", 6),
    ("order.confirmed", "email", "fail+{n}@example.org", 3),
    ("order.confirmed", "email", "reset-1+{n}@example.org", 3),
    ("account.otp", "sms", "+15005550001", 8),
    ("account.otp", "sms", "+15005550003", 2),
    ("account.otp", "sms", "+15005550004", 5),
    ("account.otp", "sms", "+15005551101", 6),
    ("account.otp", "sms", "+15005551201", 4),
    ("account.otp", "sms", "+15005551200", 2),
    ("order.shipped", "push", "unsubscribed:device-{n}", 8),
    ("order.shipped", "push", "bounce:device-{n}", 3),
    ("order.shipped", "push", "reject:device-{n}", 2),
    ("order.shipped", "push", "throttle-1:device-{n}", 6),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/bounce/{n}", 4),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/fail/{n}", 3),
    ("partner.order-webhook", "webhook", "{simulators}/hooks/throttle-1/{n}", 6),
)


def build_lines() -> list[SampleLine]:
    """The whole sample, in its order."""
    rng = Random(2026)
    special = [
        *build_duplicates(),
        *build_expired(),
        *build_unreachable(),
        *build_rate_limited(),
        *build_scripted(),
        *build_wrong_partition(),
        *build_topic_pushes(),
        *invalid_submissions.build_drafts(),
    ]
    drafts = [*special, *build_everyday(SAMPLE_SIZE - len(special), rng)]
    places = {id(draft): rng.random() for draft in drafts}
    order = sorted(range(len(drafts)), key=lambda index: (_compute_sort_key(drafts[index], places), index))
    numbers = {id(drafts[index]): number for number, index in enumerate(order, 1)}
    return [_resolve_line(drafts[index], numbers) for index in order]


def encode_lines() -> str:
    """The file."""
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in build_lines())


def _compute_sort_key(draft: Draft, places: dict[int, float]) -> tuple[float, float]:
    """Where in the file: what follows another line comes behind it, a little or much later."""
    own = places[id(draft)]
    if draft.after is None:
        return own, 0.0
    first, _ = _compute_sort_key(draft.after, places)
    return first + (1 - first) * own, own


def _resolve_line(draft: Draft, numbers: dict[int, int]) -> SampleLine:
    line = draft.line
    if draft.replay_of is not None:
        line = msgspec.structs.replace(line, replay_of=numbers[id(draft.replay_of)])
    return line


def expect_routed(notification: dict[str, Any]) -> list[str]:
    """What is expected of a good notification."""
    return ["routed", *compute_delivery_statuses(notification, POLICY, PROFILES)]


def build_guest_notification(number: int, type_: str, **fields: Any) -> dict[str, Any]:
    """A notification to somebody whom the users table does not know: the addresses come with it."""
    locale = catalog.LOCALES[number % len(catalog.LOCALES)]
    found = {
        "user_id": f"guest-{{run}}-{number}",
        "type": type_,
        "data": catalog.build_template_data(type_, number),
        "to": _build_addresses(number, type_),
        **fields,
    }
    return {**found, "locale": locale} if locale else found


def _build_addresses(number: int, type_: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "email": f"guest{number}@example.org",
        "sms": f"+1202555{100 + number % 100:04d}",
        "push": [f"push-guest-{number}-{device}" for device in range(1 + (number % 10 == 0))],
        "webhook": f"{{simulators}}/hooks/partner/{number % 7}",
    }
    return {channel: known[channel] for channel in POLICY.rules[type_].channels}


def build_everyday(count: int, rng: Random) -> Iterator[Draft]:
    """What a shop says all day: every tenth to a stored user, two fifths over HTTP, some of these with a priority of their own."""
    types = [type_ for type_, share in TYPE_WEIGHTS for _ in range(share)]
    users = sorted(user for user, profile in PROFILES.items() if {"email", "push"} & set(profile.addresses))
    for number in range(count):
        type_ = types[int(rng.random() * len(types))]
        notification = build_guest_notification(number, type_)
        if number % 10 == 0:
            type_ = STORED_USER_TYPES[int(rng.random() * len(STORED_USER_TYPES))]
            notification = {"user_id": users[number // 10 % len(users)], "type": type_, "data": catalog.build_template_data(type_, number)}
            if not compute_delivery_statuses(notification, POLICY, PROFILES):
                notification = build_guest_notification(number, type_)
        priority = POLICY.rules[type_].priority
        if number % 5 < 2:
            yield build_http_draft(notification, expect_routed(notification), priority="medium" if number % 50 == 0 else None)
        else:
            yield build_kafka_draft(priority, expect_routed(notification), notification=notification)


def build_duplicates() -> Iterator[Draft]:
    """The same key under two ids, and whole submissions made twice."""
    for number in range(2000, 2028):
        via = build_kafka_draft if number % 4 else None
        notification = build_guest_notification(number, "order.shipped", idempotency_key=f"shipped-{{run}}-{number}")
        refused = [f"rejected {DUPLICATE}"]
        if via:
            first = build_kafka_draft("medium", expect_routed(notification), notification=notification)
            yield from (first, build_kafka_draft("medium", refused, notification=notification, after=first))
        else:
            first = build_http_draft(notification, expect_routed(notification))
            yield from (first, build_http_draft(notification, refused, after=first))
    for number in range(2100, 2116):
        notification = build_guest_notification(number, "payment.failed")
        by_http = number % 4 == 0
        first = (
            build_http_draft(notification, expect_routed(notification))
            if by_http
            else build_kafka_draft("medium", expect_routed(notification), notification=notification)
        )
        yield from (first, Draft(SampleLine("http" if by_http else "kafka", ["replayed"]), after=first, replay_of=first))


def build_expired() -> Iterator[Draft]:
    """Expired before they were submitted."""
    for number in range(2200, 2225):
        notification = build_guest_notification(number, "promo.sale", expires_at=1_600_000_000.0 + number)
        expect = [f"rejected {Reason.EXPIRED}"]
        yield build_http_draft(notification, expect) if number % 5 < 2 else build_kafka_draft("low", expect, notification=notification)


def build_unreachable() -> Iterator[Draft]:
    """Nobody knows the user, or the user has no address where it matters."""
    for number in range(2300, 2315):
        notification = {
            "user_id": f"ghost-{{run}}-{number}",
            "type": "order.confirmed",
            "data": catalog.build_template_data("order.confirmed", number),
        }
        yield build_kafka_draft("medium", [f"rejected {UNKNOWN_USER}"], notification=notification)
    without = (("u-lise", "email"), ("u-rosa", "sms"), ("u-carl", "push"), ("u-ada", "webhook"), ("u-partner-north", "email"))
    for number in range(2320, 2330):
        user, channel = without[number % len(without)]
        notification = {
            "user_id": user,
            "type": "order.shipped",
            "channels": [channel],
            "data": catalog.build_template_data("order.shipped", number),
        }
        yield build_kafka_draft("medium", [f"rejected {NO_ADDRESS}"], notification=notification)


def build_rate_limited() -> Iterator[Draft]:
    """Three users for whom more text messages are asked than they may get in an hour."""
    for user in range(3):
        before: Draft | None = None
        for number in range(16):
            notification = build_guest_notification(2400 + number, "account.otp", user_id=f"burst-{{run}}-{user}", channels=["sms"])
            expect = expect_routed(notification) if number < SMS_LIMIT else [f"rejected {RATE_LIMITED}"]
            before = build_kafka_draft("high", expect, notification=notification, after=before)
            yield before


def build_scripted() -> Iterator[Draft]:
    """Recipients that make the simulators bounce, refuse, throttle and fail."""
    for row, (type_, channel, address, count) in enumerate(SCRIPTED_RECIPIENTS):
        for number in range(2500 + row * 20, 2500 + row * 20 + count):
            to = {channel: address.replace("{n}", str(number))}
            notification = build_guest_notification(number, type_, channels=[channel], to=to)
            yield build_kafka_draft(POLICY.rules[type_].priority, expect_routed(notification), notification=notification)


def build_wrong_partition() -> Iterator[Draft]:
    """On another partition than the user's: a wrong key, a wrong partition, a producer that hashes with murmur2."""
    for number in range(3000, 3028):
        how: dict[str, Any] = {"partition": "murmur2"} if number % 2 else {"partition": "other"} if number % 4 else {"key": f"key-{number}"}
        notification = build_guest_notification(number, "order.shipped")
        yield build_kafka_draft(
            "medium", expect_routed(notification), notification=notification, id_source="none" if number % 3 == 0 else "generated", **how
        )


def build_topic_pushes() -> Iterator[Draft]:
    """A push to everybody who follows a topic; and producers that know nothing of ids."""
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


def count_expected(lines: Iterable[SampleLine]) -> tuple[Counter[str], Counter[str]]:
    """How many lines are expected to come to what, and how many deliveries to which status."""
    each = [line.expected for line in lines]
    return Counter(expect[0] for expect in each), Counter(status for expect in each for status in expect[1:])


if __name__ == "__main__":
    SAMPLE_FILE.write_text(encode_lines(), "utf-8")
    for counts in count_expected(build_lines()):
        print(sum(counts.values()), dict(sorted(counts.items())))
