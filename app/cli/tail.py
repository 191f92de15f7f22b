"""`herold tail`: prints the events of notifications and deliveries as they arrive in Kafka."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import click
import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from rich.console import Console
from rich.text import Text

from app.cli import formatting
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_NOT_FOUND, CommandError, build_unreachable_error
from app.cli.output import build_console, encode_json_line, escape_control_characters
from app.connection_settings import KafkaSection
from app.kafka.client_options import build_client_options
from app.kafka.connection_problem import describe_connection_problem
from app.streaming.aiokafka_patches import patch_aiokafka
from schemas.channels import CHANNEL_NAMES
from schemas.errors import DECODE_ERRORS, SettingError
from schemas.events import DecidedEvent, HistoryEvent, ProviderEvent, StatusEvent
from schemas.topics import STATUS_TOPIC

decode_history_event = msgspec.json.Decoder(HistoryEvent).decode
REQUEST_TIMEOUT_MS = 5000  # also the time until a missing topic is reported

EventFilter = Callable[[HistoryEvent], bool]


@click.command()
@click.option("--user", help="Only events of this user.")
@click.option("--id", "notification_id", help="Only events of this notification.")
@click.option("--channel", type=click.Choice(CHANNEL_NAMES), help="Only events of deliveries on this channel.")
@click.option("--from-start", is_flag=True, help="Start with the oldest event in Kafka instead of the next one.")
@click.option("--count", type=click.IntRange(1), help="Stop after this number of events.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line.")
def tail(user: str | None, notification_id: str | None, channel: str | None, from_start: bool, count: int | None, as_json: bool) -> None:
    """Print decisions and delivery statuses as they arrive; Ctrl-C stops.

    \b
    herold tail --user u-42
    herold tail --from-start --count 10 --json
    """

    def event_filter(event: HistoryEvent) -> bool:
        return matches_filters(event, user, notification_id, channel)

    try:
        asyncio.run(_print_events(load_connection_profile().kafka, event_filter, from_start, count, as_json))
    except KeyboardInterrupt:
        return
    except SettingError as error:
        raise CommandError(str(error)) from None


def matches_filters(event: HistoryEvent, user: str | None, notification_id: str | None, channel: str | None) -> bool:
    """Whether an event matches all filters that are not None; what a provider reports names neither user nor notification."""
    if not isinstance(event, DecidedEvent | StatusEvent):
        return user is None and notification_id is None and channel in (None, event.channel)
    event_id, event_channel = (event.id, None) if isinstance(event, DecidedEvent) else (event.notification_id, event.channel)
    return user in (None, event.user_id) and notification_id in (None, event_id) and channel in (None, event_channel)


async def _print_events(kafka: KafkaSection, event_filter: EventFilter, from_start: bool, max_events: int | None, as_json: bool) -> None:
    console = build_console()
    count = 0
    async with aclosing(_consume_events(kafka, from_start)) as events:
        async for event in events:
            if event_filter(event):
                _print_event(console, event, as_json)
                count += 1
                if count == max_events:
                    return


async def _consume_events(kafka: KafkaSection, from_start: bool) -> AsyncGenerator[HistoryEvent, None]:
    """The events of all partitions, consumed without a consumer group, so that no committed offset changes."""
    topic = kafka.topic_prefix + STATUS_TOPIC
    patch_aiokafka()
    options = build_client_options(kafka)
    consumer = AIOKafkaConsumer(
        topic,
        **options,
        auto_offset_reset="earliest" if from_start else "latest",
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        async for record in consumer:
            event = try_decode_event(record.value)
            if event is None:
                click.echo(f"skipped an undecodable record: {topic}, partition {record.partition}, offset {record.offset}", err=True)
            else:
                yield event
    except UnknownTopicOrPartitionError:
        message = f"there is no topic {topic} on {kafka.bootstrap_servers}"
        raise CommandError(message, "create it with `herold topics apply`", EXIT_NOT_FOUND) from None
    except KafkaError as error:
        problem = await describe_connection_problem(options, error)
        raise build_unreachable_error("Kafka", kafka.bootstrap_servers, problem) from None
    finally:
        await consumer.stop()


def try_decode_event(value: bytes | None) -> HistoryEvent | None:
    """The event of a record; None if it cannot be decoded, as an event of a later release."""
    try:
        event: HistoryEvent = decode_history_event(value or b"")
    except DECODE_ERRORS:
        return None
    return event


def _print_event(console: Console, event: HistoryEvent, as_json: bool) -> None:
    if as_json:
        click.echo(encode_json_line(msgspec.to_builtins(event)))
    else:
        console.print(format_event(event))


def format_event(event: HistoryEvent) -> Text:
    """An event as one line."""
    occurred_at = event.decided_at if isinstance(event, DecidedEvent) else event.occurred_at
    text = Text(f"{formatting.format_time(occurred_at)}  ", "dim")
    if isinstance(event, DecidedEvent):
        text.append(escape_control_characters(f"{event.id}  "), "default").append(f"{event.priority:<7}", "dim").append_text(
            formatting.format_word(event.state)
        )
        detail = event.reason or _format_count(len(event.deliveries))
        return text.append(escape_control_characters(f"  {detail}  {event.type}  {event.user_id}"), "dim")
    return _format_status_event(text, event) if isinstance(event, StatusEvent) else _format_provider_event(text, event)


def _format_count(deliveries: int) -> str:
    return "1 delivery" if deliveries == 1 else f"{deliveries} deliveries"


def _format_status_event(text: Text, event: StatusEvent) -> Text:
    text.append(escape_control_characters(f"{event.notification_id}  "), "default").append(f"{event.channel:<8}", "dim").append_text(
        formatting.format_word(event.status)
    )
    duration = f"{event.duration_ms:.1f} ms" if event.duration_ms else ""
    details = (event.outcome or "", event.reason, event.provider, event.detail, duration, event.user_id)
    return text.append(escape_control_characters("  " + "  ".join(detail for detail in details if detail)), "dim")


def _format_provider_event(text: Text, event: ProviderEvent) -> Text:
    """A report of a provider: of a delivery, or a message that a recipient wrote, whose number is not shown."""
    delivery_id = getattr(event, "delivery_id", "")
    text.append(escape_control_characters(f"{delivery_id:<36}  "), "default").append(f"{event.channel:<8}", "dim").append_text(
        formatting.format_word(getattr(event, "status", event.event))
    )
    details = (event.provider, getattr(event, "reason", ""), getattr(event, "detail", "") or event.event)
    return text.append(escape_control_characters("  " + "  ".join(detail for detail in details if detail)), "dim")
