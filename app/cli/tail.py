"""`herold tail`: what becomes of notifications and deliveries, live from Kafka."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import click
import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from rich.console import Console
from rich.text import Text

from app.cli import views
from app.cli.failures import NOT_FOUND, Failure, unreachable
from app.cli.place import Place, find_place
from app.cli.screen import console
from app.streaming.forgiving import forgive_names
from schemas.errors import UNREADABLE
from schemas.status import Accepted, Status, StatusEvent
from schemas.topics import STATUS
from schemas.words import CHANNELS

DECODE = msgspec.json.Decoder(StatusEvent).decode
PATIENCE_MS = 5000  # for an answer of Kafka's, also for one about a topic that is not there

Keep = Callable[[StatusEvent], bool]


@click.command()
@click.option("--user", help="Only this user.")
@click.option("--id", "notification_id", help="Only this notification.")
@click.option("--channel", type=click.Choice(CHANNELS), help="Only deliveries on this channel.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest that Kafka has, not with what comes now.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line.")
def tail(user: str | None, notification_id: str | None, channel: str | None, from_start: bool, count: int | None, as_json: bool) -> None:
    """Watch statuses as they happen; Ctrl-C ends it.

    \b
    herold tail --user u-42
    herold tail --from-start --count 10 --json
    """

    def keep(event: StatusEvent) -> bool:
        return is_wanted(event, user, notification_id, channel)

    try:
        asyncio.run(_follow(find_place(), keep, from_start, count, as_json))
    except KeyboardInterrupt:
        return


def is_wanted(event: StatusEvent, user: str | None, notification_id: str | None, channel: str | None) -> bool:
    """Whether an event passes the filters that were given."""
    of = event.id if isinstance(event, Accepted) else event.notification_id
    on = None if isinstance(event, Accepted) else event.channel
    return user in (None, event.user_id) and notification_id in (None, of) and channel in (None, on)


async def _follow(place: Place, keep: Keep, from_start: bool, count: int | None, as_json: bool) -> None:
    screen = console()
    shown = 0
    async with aclosing(_events(place, from_start)) as events:
        async for event in events:
            if keep(event):
                _print(screen, event, as_json)
                shown += 1
                if shown == count:
                    return


async def _events(place: Place, from_start: bool) -> AsyncGenerator[StatusEvent, None]:
    """Status events of all partitions, read without a consumer group, so that nobody else's reading changes."""
    topic = place.settings.herold.topic_prefix + STATUS
    begin = "earliest" if from_start else "latest"
    reading = {"auto_offset_reset": begin, "enable_auto_commit": False, "request_timeout_ms": PATIENCE_MS}
    forgive_names()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=place.kafka, **reading)
    try:
        await consumer.start()
        async for record in consumer:
            event = decoded(record.value)
            if event is None:  # anybody may write to a topic, and an operator must see what comes after it
                click.echo(f"skipped what is no status event: {topic}, partition {record.partition}, offset {record.offset}", err=True)
            else:
                yield event
    except UnknownTopicOrPartitionError:
        raise Failure(f"there is no topic {topic} on {place.kafka}", "create it with `herold topics apply`", NOT_FOUND) from None
    except KafkaError as error:
        raise unreachable("Kafka", place.kafka, error) from None
    finally:
        await consumer.stop()


def decoded(value: bytes | None) -> StatusEvent | None:
    """The event in a record; none in rubbish, and in one of a later release."""
    try:
        event: StatusEvent = DECODE(value or b"")
    except UNREADABLE:
        return None
    return event


def _print(screen: Console, event: StatusEvent, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(event)))
    else:
        screen.print(line(event))


def line(event: StatusEvent) -> Text:
    """One event in one line."""
    text = Text(f"{views.clock(event.at)}  ", "dim")
    if isinstance(event, Accepted):
        text.append(f"{event.id}  ", "default").append(f"{event.lane:<7}", "dim").append_text(views.word(event.state))
        more = f"  {event.reason}" if event.reason else f"  {len(event.deliveries)} to deliver"
        return text.append(f"{more}  {event.type}  {event.user_id}", "dim")
    return _status_line(text, event)


def _status_line(text: Text, event: Status) -> Text:
    text.append(f"{event.notification_id}  ", "default").append(f"{event.channel:<8}", "dim").append_text(views.word(event.status))
    took = f"{event.ms:.1f} ms" if event.ms else ""
    details = (event.outcome or "", event.reason, event.provider, event.detail, took, event.user_id)
    return text.append("  " + "  ".join(detail for detail in details if detail), "dim")
