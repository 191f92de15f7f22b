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

from app.cli import formatting
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import EXIT_NOT_FOUND, CommandError, build_unreachable_error
from app.cli.output import build_console
from app.streaming.patches.header_decoding import patch_header_decoding
from schemas.enums import CHANNELS
from schemas.errors import DECODE_ERRORS
from schemas.events import DecidedEvent, HistoryEvent, StatusEvent
from schemas.topics import STATUS_TOPIC

decode_history_event = msgspec.json.Decoder(HistoryEvent).decode
REQUEST_TIMEOUT_MS = 5000  # for an answer of Kafka's, also for one about a topic that is not there

EventFilter = Callable[[HistoryEvent], bool]


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

    def event_filter(event: HistoryEvent) -> bool:
        return matches_filters(event, user, notification_id, channel)

    try:
        asyncio.run(_print_events(load_connection_profile(), event_filter, from_start, count, as_json))
    except KeyboardInterrupt:
        return


def matches_filters(event: HistoryEvent, user: str | None, notification_id: str | None, channel: str | None) -> bool:
    """Whether an event passes the filters that were given."""
    of = event.id if isinstance(event, DecidedEvent) else event.notification_id
    on = None if isinstance(event, DecidedEvent) else event.channel
    return user in (None, event.user_id) and notification_id in (None, of) and channel in (None, on)


async def _print_events(
    place: ConnectionProfile, event_filter: EventFilter, from_start: bool, max_events: int | None, as_json: bool
) -> None:
    screen = build_console()
    shown = 0
    async with aclosing(_consume_events(place, from_start)) as events:
        async for event in events:
            if event_filter(event):
                _print_event(screen, event, as_json)
                shown += 1
                if shown == max_events:
                    return


async def _consume_events(place: ConnectionProfile, from_start: bool) -> AsyncGenerator[HistoryEvent, None]:
    """Status events of all partitions, read without a consumer group, so that nobody else's reading changes."""
    topic = place.settings.kafka.topic_prefix + STATUS_TOPIC
    begin = "earliest" if from_start else "latest"
    reading = {"auto_offset_reset": begin, "enable_auto_commit": False, "request_timeout_ms": REQUEST_TIMEOUT_MS}
    patch_header_decoding()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=place.bootstrap_servers, **reading)
    try:
        await consumer.start()
        async for record in consumer:
            event = try_decode_event(record.value)
            if event is None:  # anybody may write to a topic, and an operator must see what comes after it
                click.echo(f"skipped what is no status event: {topic}, partition {record.partition}, offset {record.offset}", err=True)
            else:
                yield event
    except UnknownTopicOrPartitionError:
        raise CommandError(
            f"there is no topic {topic} on {place.bootstrap_servers}", "create it with `herold topics apply`", EXIT_NOT_FOUND
        ) from None
    except KafkaError as error:
        raise build_unreachable_error("Kafka", place.bootstrap_servers, error) from None
    finally:
        await consumer.stop()


def try_decode_event(value: bytes | None) -> HistoryEvent | None:
    """The event in a record; none in rubbish, and in one of a later release."""
    try:
        event: HistoryEvent = decode_history_event(value or b"")
    except DECODE_ERRORS:
        return None
    return event


def _print_event(screen: Console, event: HistoryEvent, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(event)))
    else:
        screen.print(format_event(event))


def format_event(event: HistoryEvent) -> Text:
    """One event in one line."""
    happened_at = event.decided_at if isinstance(event, DecidedEvent) else event.occurred_at
    text = Text(f"{formatting.format_time(happened_at)}  ", "dim")
    if isinstance(event, DecidedEvent):
        text.append(f"{event.id}  ", "default").append(f"{event.priority:<7}", "dim").append_text(formatting.format_word(event.state))
        more = f"  {event.reason}" if event.reason else f"  {len(event.deliveries)} to deliver"
        return text.append(f"{more}  {event.type}  {event.user_id}", "dim")
    return _format_status_event(text, event)


def _format_status_event(text: Text, event: StatusEvent) -> Text:
    text.append(f"{event.notification_id}  ", "default").append(f"{event.channel:<8}", "dim").append_text(
        formatting.format_word(event.status)
    )
    took = f"{event.duration_ms:.1f} ms" if event.duration_ms else ""
    details = (event.outcome or "", event.reason, event.provider, event.detail, took, event.user_id)
    return text.append("  " + "  ".join(detail for detail in details if detail), "dim")
