"""Makes docs/samples/shop.jsonl: exactly 1,000 submissions of a shop, good, doubled, late and broken, the same ones each time.

`python -m app.demo.shop` writes the file; a test fails when the committed one differs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import msgspec

from app.demo import broken, goods
from app.demo.draft import Draft, kafka, posted
from app.demo.expected import deliveries
from app.demo.sample import FILE, Line
from schemas.words import Reason
from tables.postgres.seed import seed_policy, seed_profiles

COMMAND = "python -m app.demo.shop"
SIZE = 1000
POLICY, PROFILES = seed_policy(), seed_profiles()
DAILY = (  # type and how often, of 100
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
STORED = ("account.login-alert", "account.password-reset", "order.confirmed", "order.shipped", "newsletter.weekly", "promo.sale")
SMS_LIMIT = 10  # per hour, as seeded
SCRIPTED = (  # type, channel, address, how many
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
    ("partner.order-webhook", "webhook", "{twins}/hooks/bounce/{n}", 4),
    ("partner.order-webhook", "webhook", "{twins}/hooks/fail/{n}", 3),
    ("partner.order-webhook", "webhook", "{twins}/hooks/throttle-1/{n}", 6),
)


def lines() -> list[Line]:
    """The whole sample, in its order."""
    rng = Random(2026)
    special = [*doubled(), *late(), *unreachable(), *bursts(), *scripted(), *strayed(), *topics(), *broken.drafts()]
    drafts = [*special, *everyday(SIZE - len(special), rng)]
    places = {id(draft): rng.random() for draft in drafts}
    order = sorted(range(len(drafts)), key=lambda index: (_place(drafts[index], places), index))
    numbers = {id(drafts[index]): number for number, index in enumerate(order, 1)}
    return [_line(drafts[index], numbers) for index in order]


def text() -> str:
    """The file."""
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines())


def _place(draft: Draft, places: dict[int, float]) -> tuple[float, float]:
    """Where in the file: what follows another line comes behind it, a little or much later."""
    own = places[id(draft)]
    if draft.after is None:
        return own, 0.0
    first, _ = _place(draft.after, places)
    return first + (1 - first) * own, own


def _line(draft: Draft, numbers: dict[int, int]) -> Line:
    line = draft.line
    if draft.again is not None:
        line = msgspec.structs.replace(line, again=numbers[id(draft.again)])
    return line


def routed(notification: dict[str, Any]) -> list[str]:
    """What is expected of a good notification."""
    return ["routed", *deliveries(notification, POLICY, PROFILES)]


def guest(number: int, type_: str, **fields: Any) -> dict[str, Any]:
    """A notification to somebody whom the users table does not know: the addresses come with it."""
    locale = goods.LOCALES[number % len(goods.LOCALES)]
    found = {"user_id": f"guest-{{run}}-{number}", "type": type_, "data": goods.data(type_, number), "to": _to(number, type_), **fields}
    return {**found, "locale": locale} if locale else found


def _to(number: int, type_: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "email": f"guest{number}@example.org",
        "sms": f"+1202555{100 + number % 100:04d}",
        "push": [f"push-guest-{number}-{device}" for device in range(1 + (number % 10 == 0))],
        "webhook": f"{{twins}}/hooks/partner/{number % 7}",
    }
    return {channel: known[channel] for channel in POLICY.rules[type_].channels}


def everyday(count: int, rng: Random) -> Iterator[Draft]:
    """What a shop says all day: every tenth to a stored user, two fifths over HTTP, some of these with a priority of their own."""
    types = [type_ for type_, share in DAILY for _ in range(share)]
    users = sorted(user for user, profile in PROFILES.items() if {"email", "push"} & set(profile.addresses))
    for number in range(count):
        type_ = types[int(rng.random() * len(types))]
        notification = guest(number, type_)
        if number % 10 == 0:
            type_ = STORED[int(rng.random() * len(STORED))]
            notification = {"user_id": users[number // 10 % len(users)], "type": type_, "data": goods.data(type_, number)}
            if not deliveries(notification, POLICY, PROFILES):
                notification = guest(number, type_)
        lane = POLICY.rules[type_].lane
        if number % 5 < 2:
            yield posted(notification, routed(notification), lane="medium" if number % 50 == 0 else None)
        else:
            yield kafka(lane, routed(notification), notification=notification)


def doubled() -> Iterator[Draft]:
    """The same key under two ids, and whole submissions made twice."""
    for number in range(2000, 2028):
        via = kafka if number % 4 else None
        notification = guest(number, "order.shipped", idempotency_key=f"shipped-{{run}}-{number}")
        refused = [f"refused {Reason.DUPLICATE}"]
        if via:
            first = kafka("medium", routed(notification), notification=notification)
            yield from (first, kafka("medium", refused, notification=notification, after=first))
        else:
            first = posted(notification, routed(notification))
            yield from (first, posted(notification, refused, after=first))
    for number in range(2100, 2116):
        notification = guest(number, "payment.failed")
        by_http = number % 4 == 0
        first = posted(notification, routed(notification)) if by_http else kafka("medium", routed(notification), notification=notification)
        yield from (first, Draft(Line("http" if by_http else "kafka", ["repeated"]), after=first, again=first))


def late() -> Iterator[Draft]:
    """Expired before they were submitted."""
    for number in range(2200, 2225):
        notification = guest(number, "promo.sale", expires_at=1_600_000_000.0 + number)
        expect = [f"refused {Reason.EXPIRED}"]
        yield posted(notification, expect) if number % 5 < 2 else kafka("low", expect, notification=notification)


def unreachable() -> Iterator[Draft]:
    """Nobody knows the user, or the user has no address where it matters."""
    for number in range(2300, 2315):
        notification = {"user_id": f"ghost-{{run}}-{number}", "type": "order.confirmed", "data": goods.data("order.confirmed", number)}
        yield kafka("medium", [f"refused {Reason.UNKNOWN_USER}"], notification=notification)
    without = (("u-lise", "email"), ("u-rosa", "sms"), ("u-carl", "push"), ("u-ada", "webhook"), ("u-partner-north", "email"))
    for number in range(2320, 2330):
        user, channel = without[number % len(without)]
        notification = {"user_id": user, "type": "order.shipped", "channels": [channel], "data": goods.data("order.shipped", number)}
        yield kafka("medium", [f"refused {Reason.NO_ADDRESS}"], notification=notification)


def bursts() -> Iterator[Draft]:
    """Three users for whom more text messages are asked than they may get in an hour."""
    for user in range(3):
        before: Draft | None = None
        for number in range(16):
            notification = guest(2400 + number, "account.otp", user_id=f"burst-{{run}}-{user}", channels=["sms"])
            expect = routed(notification) if number < SMS_LIMIT else [f"refused {Reason.RATE_LIMITED}"]
            before = kafka("high", expect, notification=notification, after=before)
            yield before


def scripted() -> Iterator[Draft]:
    """Recipients that make the twins bounce, refuse, throttle and fail."""
    for row, (type_, channel, address, count) in enumerate(SCRIPTED):
        for number in range(2500 + row * 20, 2500 + row * 20 + count):
            to = {channel: address.replace("{n}", str(number))}
            notification = guest(number, type_, channels=[channel], to=to)
            yield kafka(POLICY.rules[type_].lane, routed(notification), notification=notification)


def strayed() -> Iterator[Draft]:
    """On another partition than the user's: a wrong key, a wrong partition, a producer that hashes with murmur2."""
    for number in range(3000, 3028):
        how: dict[str, Any] = {"partition": "murmur2"} if number % 2 else {"partition": "other"} if number % 4 else {"key": f"key-{number}"}
        notification = guest(number, "order.shipped")
        yield kafka("medium", routed(notification), notification=notification, id="none" if number % 3 == 0 else "ours", **how)


def topics() -> Iterator[Draft]:
    """A push to everybody who follows a topic; and producers that know nothing of ids."""
    for number in range(3100, 3104):
        notification = {"user_id": f"topic:sale-{{run}}-{number}", "type": "promo.sale", "data": goods.data("promo.sale", number)}
        yield kafka("low", routed(notification), notification=notification)
    for number in range(3110, 3150):
        notification = guest(number, "newsletter.weekly")
        yield kafka("low", routed(notification), notification=notification, id="none")


def summary(sample: Iterable[Line]) -> tuple[Counter[str], Counter[str]]:
    """How many lines are expected to come to what, and how many deliveries to which status."""
    each = [line.expect for line in sample]
    return Counter(expect[0] for expect in each), Counter(status for expect in each for status in expect[1:])


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    for counts in summary(lines()):
        print(sum(counts.values()), dict(sorted(counts.items())))
