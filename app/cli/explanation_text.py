"""Renders the API's explanation of a notification as text; pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.cli import formatting
from app.cli.formatting import build_key_value_table, build_table, format_attempt_detail, format_elapsed, format_word
from schemas.local_time import find_zone, format_local_time, name_zone

Explanation = Mapping[str, Any]


def format_explanation(explanation: Explanation) -> RenderableType:
    """The answer in one sentence, what would have changed it, then each gate, and each attempt or later event."""
    parts: list[RenderableType] = [Text(explanation["summary"], "bold")]
    if explanation["remedy"]:
        parts.append(Text(f"What would have changed it: {explanation['remedy']}."))
    parts += [Text(), _build_fields(explanation)]
    if explanation["gates"]:
        parts += [Text(), _build_gates(explanation)]
    if explanation["deliveries"]:
        parts += [Text(), _build_attempts(explanation)]
    return Group(*parts)


def format_answers(explanations: list[Explanation]) -> RenderableType:
    """One line for each of several notifications, newest first, then the newest in full."""
    if len(explanations) == 1:
        return format_explanation(explanations[0])
    table = build_table("created", "notification", "answer")
    for explanation in explanations:
        table.add_row(_format_time(explanation, explanation["created_at"]), explanation["id"], explanation["summary"])
    return Group(table, Text(), Text("The newest:", "dim"), format_explanation(explanations[0]))


def _build_fields(explanation: Explanation) -> Table:
    first = explanation["duplicate_of"]
    category = f"  {explanation['category']}" if explanation["category"] else ""
    return build_key_value_table(
        {
            "notification": explanation["id"],
            "state": format_word(explanation["state"]),
            "user": explanation["user_id"],
            "type": f"{explanation['type']}{category}",
            "priority": explanation["priority"],
            "broadcast": explanation["broadcast"],
            "rule": explanation["rule"],
            "template": ", ".join(f"{channel} {label}" for channel, label in explanation["templates"].items()),
            "created": _format_time(explanation, explanation["created_at"]),
            "decided": _format_time(explanation, explanation["decided_at"]),
            "expires": _format_time(explanation, explanation["expires_at"]),
            "see": f"herold explain {first}" if first else "",
        }
    )


def _build_gates(explanation: Explanation) -> Table:
    table = build_table("gate", "verdict", "reason", "because")
    for gate in explanation["gates"]:
        because = "; ".join(filter(None, (gate["meaning"], gate["description"])))
        table.add_row(gate["gate"], format_word(gate["verdict"]), gate["reason"], because)
    return table


def _build_attempts(explanation: Explanation) -> Table:
    table = build_table(f"time ({_name_zone(explanation)})", "elapsed", "event", "status", "detail")
    for occurred_at, label, status, detail in sorted(_list_attempts(explanation), key=lambda row: row[0] or float("inf")):
        elapsed = format_elapsed(explanation["created_at"], occurred_at) if occurred_at and explanation["created_at"] else ""
        table.add_row(_format_time_of_day(explanation, occurred_at) if occurred_at else "", elapsed, label, status, detail)
    return table


def _list_attempts(explanation: Explanation) -> Iterator[tuple[float, str, Text, str]]:
    """Time, label, status and detail of every attempt and later event; the time of a delivery without any is 0."""
    for delivery in explanation["deliveries"]:
        attempts = delivery.get("attempts", [])
        if not attempts:
            yield 0.0, delivery["channel"], format_word(delivery["status"]), "no attempt is recorded"
        for attempt in attempts:
            yield float(attempt["occurred_at"]), _label(delivery, attempt), format_word(attempt["status"]), format_attempt_detail(attempt)


def _label(delivery: Mapping[str, Any], attempt: Mapping[str, Any]) -> str:
    """An attempt by its number; what the provider or the app reported later has no outcome."""
    if formatting.is_report(attempt):
        return f"{delivery['channel']} report"
    redrive = f" redrive {attempt['redrive_count']}" if attempt.get("redrive_count") else ""
    return f"{delivery['channel']} attempt {attempt.get('attempt', 0) + 1}{redrive}"


def _format_time(explanation: Explanation, at: float) -> str:
    return format_local_time(at, explanation["time_zone"]) if at else ""


def _format_time_of_day(explanation: Explanation, at: float) -> str:
    return datetime.fromtimestamp(at, find_zone(explanation["time_zone"]) or UTC).strftime("%H:%M:%S.%f")[:-3]


def _name_zone(explanation: Explanation) -> str:
    return name_zone(explanation["time_zone"])
