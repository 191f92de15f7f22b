"""Renders JSON of the API as tables and timelines; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.scheduler.changes import REASONS as SCHEDULER_REASONS
from schemas.enums import Outcome, State, Status

WORD_STYLES: Mapping[str, str] = {
    **dict.fromkeys((Status.SENT, Status.DELIVERED, Outcome.ACCEPTED, State.ROUTED, "accepted", "pass"), "green"),
    **dict.fromkeys((Status.PENDING, Outcome.THROTTLED, Outcome.UNKNOWN, Outcome.NOT_SENT, State.HELD, "hold"), "yellow"),
    **dict.fromkeys((Status.FAILED, Status.BOUNCED, State.DEAD, "dead_letter"), "red"),
    **dict.fromkeys((Outcome.REJECTED_RECIPIENT, Outcome.REJECTED_PERMANENT), "red"),
    **dict.fromkeys((Status.UNSUBSCRIBED, State.REJECTED, State.MERGED, "reject", "merge"), "magenta"),
}
"""The colours of states, statuses, outcomes and verdicts."""

TIME_FIELDS = frozenset({"at", "now", "until"})  # beside the fields whose names end with _at


def format_word(text: str) -> Text:
    """A state, status, outcome or verdict in its colour."""
    return Text(text, WORD_STYLES.get(text, "white"))


def format_time(seconds: float) -> str:
    """Epoch seconds as the local time of day, with milliseconds."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S.%f")[:-3]


def format_datetime(seconds: float) -> str:
    """Epoch seconds as local date and time."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def format_elapsed(start: float, end: float) -> str:
    """The time between two times in epoch seconds."""
    seconds = max(0.0, end - start)
    return f"+{seconds * 1000:.0f} ms" if seconds < 10 else f"+{seconds:.1f} s"


def build_table(*columns: str, title: str = "") -> Table:
    """An empty table with these column names."""
    table = Table(title=title or None, title_justify="left", box=None, header_style="bold dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def build_key_value_table(values: Mapping[str, RenderableType]) -> Table:
    """A table of names and values; empty values are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in values.items():
        if value:
            table.add_row(name, value)
    return table


def format_notification(notification: Mapping[str, Any]) -> RenderableType:
    """A notification with its timeline."""
    created_at = float(notification.get("created_at", 0.0))
    fields = build_key_value_table(
        {
            "notification": Text(notification["id"], "bold"),
            "state": _format_state(notification),
            "final": "yes" if notification.get("final") else "no",
            "user": notification.get("user_id", ""),
            "type": f"{notification.get('type', '')}  {notification.get('category', '')}".strip(),
            "priority": notification.get("priority", ""),
            "created": format_datetime(created_at) if created_at else "",
            "read": format_datetime(notification["read_at"]) if notification.get("read_at") else "",
            "redriven": str(notification.get("redrive_count") or ""),
            "merged into" if notification["state"] == State.MERGED else "duplicate of": notification.get("duplicate_of", ""),
        }
    )
    return Group(fields, Text(), _build_timeline(notification, created_at)) if created_at else fields


def _format_state(notification: Mapping[str, Any]) -> Text:
    state = format_word(notification["state"])
    if notification.get("held_until"):
        state.append(f" until {format_datetime(notification['held_until'])}")
    if notification.get("escalates_at"):
        state.append(f", the next channel may follow at {format_datetime(notification['escalates_at'])}")
    return state.append(f"  {notification['reason']}", "dim") if notification.get("reason") else state


def _build_timeline(notification: Mapping[str, Any], created_at: float) -> Table:
    table = build_table("time", "elapsed", "event", "status", "detail")
    table.add_row(format_time(created_at), "", "submitted", "", "")
    decided_at = notification["decided_at"]
    table.add_row(
        format_time(decided_at),
        format_elapsed(created_at, decided_at),
        "scheduler" if notification.get("reason") in SCHEDULER_REASONS else "router",
        format_word(notification["state"]),
        notification.get("reason", ""),
    )
    for occurred_at, label, status, detail in _build_attempt_rows(notification):
        table.add_row(
            format_time(occurred_at) if occurred_at else "",
            format_elapsed(created_at, occurred_at) if occurred_at else "",
            label,
            status,
            detail,
        )
    return table


def _build_attempt_rows(body: Mapping[str, Any]) -> list[tuple[float, str, Text, str]]:
    """Time, label, status and detail of every attempt, oldest first, then of the deliveries without attempts, whose time is 0."""
    attempts: list[tuple[float, str, Text, str]] = []
    pending: list[tuple[float, str, Text, str]] = []
    for delivery in body.get("deliveries", []):
        attempts += _build_delivery_rows(delivery)
        if not delivery.get("attempts"):
            pending.append((0.0, f"{delivery['channel']} {delivery['id']}", format_word(delivery["status"]), "no attempt yet"))
    return sorted(attempts, key=lambda row: row[0]) + pending


def _build_delivery_rows(delivery: Mapping[str, Any]) -> Iterator[tuple[float, str, Text, str]]:
    for attempt in delivery.get("attempts", []):
        redrive = f" redrive {attempt['redrive_count']}" if attempt.get("redrive_count") else ""
        what = "report" if is_report(attempt) else f"attempt {attempt.get('attempt', 0) + 1}{redrive}"
        label = f"{delivery['channel']} {what}"
        yield float(attempt["occurred_at"]), label, format_word(attempt["status"]), format_attempt_detail(attempt)


def is_report(attempt: Mapping[str, Any]) -> bool:
    """Whether this is what a provider or an app reported later, and not an attempt or a search for what became of one."""
    return not attempt.get("outcome") and bool(attempt.get("provider_message_id") or attempt.get("status") == "DELIVERED")


def format_attempt_detail(attempt: Mapping[str, Any]) -> str:
    """Outcome, reason, provider, code, text and latency of an attempt in one line."""
    code = f"code {attempt['provider_code']}" if attempt.get("provider_code") else ""
    duration = f"{attempt['duration_ms']:.1f} ms" if attempt.get("duration_ms") else ""
    duplicate = "possible duplicate" if attempt.get("possible_duplicate") else ""
    next_at = f"next attempt at {format_time(attempt['next_attempt_at'])}" if attempt.get("next_attempt_at") else ""
    outcome, reason, provider, detail = (attempt.get(name, "") for name in ("outcome", "reason", "provider", "detail"))
    parts = (outcome, "" if reason == outcome.lower() else reason, provider, code, detail, duration, duplicate, next_at)
    return ", ".join(part for part in parts if part)


def format_fields(fields: Mapping[str, Any]) -> str:
    """Names and values in one line."""
    return "  ".join(f"{name}={_format_field_value(name, value)}" for name, value in fields.items())


def _format_field_value(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_format_field_value(key, item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(_format_field_value(name, item) for item in value)
    return format_datetime(value) if isinstance(value, float) and (name in TIME_FIELDS or name.endswith("_at")) else str(value)


def format_notification_list(page: Mapping[str, Any]) -> RenderableType:
    """A page of notifications, one row each."""
    table = build_table("created", "notification", "type", "priority", "state", "deliveries")
    for notification in page["items"]:
        deliveries = (
            Text(f"{delivery['channel']} ").append_text(format_word(delivery["status"])) for delivery in notification.get("deliveries", [])
        )
        table.add_row(
            format_datetime(notification.get("created_at", 0.0)),
            notification["id"],
            notification.get("type", ""),
            notification.get("priority", ""),
            _format_state(notification),
            Text("  ").join(deliveries),
        )
    return table
