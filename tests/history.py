"""Events and records of notifications.status to test with."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from schemas.history import AcceptedRow, Entries, LoggedAttempt
from schemas.ids import NOTIFICATION, delivery_id, new_id
from schemas.ports import Batch
from schemas.status import Accepted, Planned, Status, Step
from schemas.words import Channel, Outcome, State, StatusName

NOW = 1_760_000_000.0
STATUS = "notifications.status"


class Written(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    value: bytes | None
    timestamp: int = int(NOW * 1000)
    key: bytes | None = b"u-1"
    headers: tuple[tuple[str, bytes], ...] = ()


def notification_id(number: int = 1, at: float = NOW) -> str:
    """The id of a notification; a greater number is a greater id."""
    return new_id(NOTIFICATION, at, number)


def planned(of: str, channel: Channel = "email", user_id: str = "u-1") -> Planned:
    """A delivery of a notification."""
    return Planned(delivery_id(of, user_id, channel, f"{channel}-address"), channel)


def accepted(number: int = 1, *channels: Channel, at: float = NOW, **fields: Any) -> Accepted:
    """A routed notification with a delivery on each channel."""
    an_id = notification_id(number, at)
    deliveries = [planned(an_id, channel) for channel in channels]
    event = Accepted(an_id, "u-1", State.ROUTED, at + 1, at, "high", "order.shipped", "transactional", deliveries=deliveries,
                     trace=[Step("decode", "pass"), Step("route", "pass", "", {"strategy": "all"})], expires_at=at + 86_400)  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def row(event: Accepted) -> AcceptedRow:
    """The same event as the recorder reads it."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    raw = {name: Raw(msgspec.json.encode(fields[name])) for name in ("deliveries", "trace")}
    return AcceptedRow(**{**fields, **raw})


def status(number: int = 1, channel: Channel = "email", status: StatusName = StatusName.SENT, **fields: Any) -> Status:
    """An event of the delivery that `accepted` with the same number and channel lists."""
    an_id = notification_id(number)
    event = Status(planned(an_id, channel).id, an_id, "u-1", channel, status, NOW + 2, NOW, outcome=Outcome.ACCEPTED, provider="sendgrid",
                   provider_id="pr-1", code=202, ms=12.5, detail="Übergeben")  # fmt: skip
    return msgspec.structs.replace(event, **fields)


def entries(*events: Accepted | Status, letters: Any = ()) -> Entries:
    """What a commit of these events writes, if no two are of the same notification or delivery."""
    statuses = [event for event in events if isinstance(event, Status)]
    logged = [LoggedAttempt(f"{event.delivery_id[4:30]}{event.generation:02x}{event.attempt:02x}{event.status.encode()[0]:02x}", event)
              for event in statuses]  # fmt: skip
    return Entries([row(event) for event in events if isinstance(event, Accepted)], statuses, logged, letters)


def batch(*values: Accepted | Status | bytes | None, start: int = 0, partition: int = 0, topic: str = STATUS) -> Batch:
    """A batch of records with these events or bytes as values."""
    encoded = [value if value is None or isinstance(value, bytes) else msgspec.json.encode(value) for value in values]
    return Batch(topic, partition, [Written(start + n, value) for n, value in enumerate(encoded)])
