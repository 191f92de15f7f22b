"""Answers of the API as tables and timelines; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

JsonObject = Mapping[str, Any]

WORD_STYLES = {
    **dict.fromkeys(("DELIVERED", "SENT", "ACCEPTED", "routed", "pass", "accepted", "ok", "ready"), "green"),
    **dict.fromkeys(("PENDING", "held", "hold", "THROTTLED", "UNKNOWN", "NOT_SENT", "degraded"), "yellow"),
    **dict.fromkeys(("FAILED", "BOUNCED", "dead", "dead_letter", "REJECTED_RECIPIENT", "REJECTED_PERMANENT", "down"), "red"),
    **dict.fromkeys(("UNSUBSCRIBED", "rejected", "reject", "merged", "merge"), "magenta"),
}
TIME_FIELDS = frozenset({"at", "now"})


def format_word(text: str) -> Text:
    """A status, state or verdict in its colour."""
    return Text(text, WORD_STYLES.get(text, "white"))


def format_time(at: float) -> str:
    """A time of day, local, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def format_datetime(at: float) -> str:
    """A date and time, local."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def format_elapsed(start: float, at: float) -> str:
    """How long after the start."""
    seconds = max(0.0, at - start)
    return f"+{seconds * 1000:.0f} ms" if seconds < 10 else f"+{seconds:.1f} s"


def build_table(*columns: str, title: str = "") -> Table:
    """An empty table in our style."""
    made = Table(title=title or None, title_justify="left", box=None, header_style="bold dim", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def build_key_value_table(values: Mapping[str, RenderableType]) -> Table:
    """Names and values in two columns; empty values are left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in values.items():
        if value:
            made.add_row(name, value)
    return made


def format_notification(body: JsonObject) -> RenderableType:
    """A notification with its timeline."""
    created = float(body.get("created_at", 0.0))
    head = build_key_value_table(
        {
            "notification": Text(body["id"], "bold"),
            "state": _format_state(body),
            "final": "yes" if body.get("final") else "not yet",
            "user": body.get("user_id", ""),
            "type": f"{body.get('type', '')}  {body.get('category', '')}".strip(),
            "priority": body.get("priority", ""),
            "created": format_datetime(created) if created else "",
            "first": body.get("duplicate_of", ""),
        }
    )
    return Group(head, Text(), _build_timeline(body, created)) if created else head


def _format_state(body: JsonObject) -> Text:
    state = format_word(body["state"])
    return state.append(f"  {body['reason']}", "dim") if body.get("reason") else state


def _build_timeline(body: JsonObject, created: float) -> Table:
    made = build_table("when", "after", "what", "status", "detail")
    made.add_row(format_time(created), "", "submitted", "", "")
    made.add_row(
        format_time(body["decided_at"]),
        format_elapsed(created, body["decided_at"]),
        "router",
        format_word(body["state"]),
        body.get("reason", ""),
    )
    for at, what, status, detail in _build_attempt_rows(body):
        made.add_row(format_time(at) if at else "", format_elapsed(created, at) if at else "", what, status, detail)
    return made


def _build_attempt_rows(body: JsonObject) -> list[tuple[float, str, Text, str]]:
    """Time (0: none), what, status and detail of every attempt, oldest first, then of the deliveries without one."""
    deliveries = body.get("deliveries", [])
    made = [
        (
            float(attempt["occurred_at"]),
            _format_attempt_label(delivery, attempt),
            format_word(attempt["status"]),
            _format_attempt_detail(attempt),
        )
        for delivery in deliveries
        for attempt in delivery.get("attempts", [])
    ]
    waiting = [
        (0.0, f"{delivery['channel']} {delivery['id']}", format_word(delivery["status"]), "no attempt yet")
        for delivery in deliveries
        if not delivery.get("attempts")
    ]
    return sorted(made, key=lambda row: row[0]) + waiting


def _format_attempt_label(delivery: JsonObject, attempt: JsonObject) -> str:
    redrive = f" redrive {attempt['redrive_count']}" if attempt.get("redrive_count") else ""
    return f"{delivery['channel']} attempt {attempt.get('attempt', 0) + 1}{redrive}"


def _format_attempt_detail(attempt: JsonObject) -> str:
    code = f"code {attempt['provider_code']}" if attempt.get("provider_code") else ""
    took = f"{attempt['duration_ms']:.1f} ms" if attempt.get("duration_ms") else ""
    twice = "possible duplicate" if attempt.get("possible_duplicate") else ""
    outcome, reason, provider, detail = (attempt.get(name, "") for name in ("outcome", "reason", "provider", "detail"))
    parts = (outcome, "" if reason == outcome.lower() else reason, provider, code, detail, took, twice)
    return ", ".join(part for part in parts if part)


def format_explanation(body: JsonObject) -> RenderableType:
    """The sentence, the gates and the attempts."""
    made = build_table("gate", "verdict", "reason", "inputs")
    for gate in body["gates"]:
        made.add_row(gate["gate"], format_word(gate["verdict"]), gate["reason"], format_fields(gate["inputs"]))
    told: list[RenderableType] = [Text(body["id"], "dim"), Text(body["summary"], "bold"), Text(), made]
    if not body.get("deliveries"):
        return Group(*told)
    tried = build_table("when", "attempt", "status", "detail")
    for at, what, status, detail in _build_attempt_rows(body):
        tried.add_row(format_time(at) if at else "", what, status, detail)
    return Group(*told, Text(), tried)


def format_fields(values: JsonObject) -> str:
    """What a gate looked at, in one line."""
    return "  ".join(f"{name}={_format_field_value(name, value)}" for name, value in values.items())


def _format_field_value(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_format_field_value(name, each)}" for name, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(_format_field_value(name, each) for each in value)
    return format_datetime(value) if isinstance(value, float) and (name in TIME_FIELDS or name.endswith("_at")) else str(value)


def format_notification_list(body: JsonObject) -> RenderableType:
    """A user's notifications."""
    made = build_table("created", "notification", "type", "priority", "state", "deliveries")
    for one in body["notifications"]:
        ways = Text("  ").join(Text(f"{way['channel']} ").append_text(format_word(way["status"])) for way in one.get("deliveries", []))
        made.add_row(
            format_datetime(one.get("created_at", 0.0)), one["id"], one.get("type", ""), one.get("priority", ""), _format_state(one), ways
        )
    return made
