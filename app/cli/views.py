"""Answers of the API as tables and timelines; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Json = Mapping[str, Any]

COLOURS = {
    **dict.fromkeys(("DELIVERED", "SENT", "ACCEPTED", "routed", "pass", "accepted", "ok", "ready"), "green"),
    **dict.fromkeys(("PENDING", "held", "THROTTLED", "UNKNOWN", "NOT_SENT", "degraded"), "yellow"),
    **dict.fromkeys(("FAILED", "BOUNCED", "dead", "REJECTED_RECIPIENT", "REJECTED_PERMANENT", "down"), "red"),
    **dict.fromkeys(("UNSUBSCRIBED", "refused", "refuse", "merged"), "magenta"),
}
TIMES = frozenset({"at", "now"})


def word(text: str) -> Text:
    """A status, state or verdict in its colour."""
    return Text(text, COLOURS.get(text, "white"))


def clock(at: float) -> str:
    """A time of day, local, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def day(at: float) -> str:
    """A date and time, local."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def since(start: float, at: float) -> str:
    """How long after the start."""
    seconds = max(0.0, at - start)
    return f"+{seconds * 1000:.0f} ms" if seconds < 10 else f"+{seconds:.1f} s"


def table(*columns: str, title: str = "") -> Table:
    """An empty table in our style."""
    made = Table(title=title or None, title_justify="left", box=None, header_style="bold dim", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def pairs(values: Mapping[str, RenderableType]) -> Table:
    """Names and values in two columns; empty values are left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in values.items():
        if value:
            made.add_row(name, value)
    return made


def notification(body: Json) -> RenderableType:
    """A notification with its timeline."""
    created = float(body.get("created_at", 0.0))
    head = pairs(
        {
            "notification": Text(body["id"], "bold"),
            "state": _state(body),
            "final": "yes" if body.get("final") else "not yet",
            "user": body.get("user_id", ""),
            "type": f"{body.get('type', '')}  {body.get('category', '')}".strip(),
            "lane": body.get("lane", ""),
            "created": day(created) if created else "",
            "first": body.get("first_id", ""),
        }
    )
    return Group(head, Text(), _timeline(body, created)) if created else head


def _state(body: Json) -> Text:
    state = word(body["state"])
    return state.append(f"  {body['reason']}", "dim") if body.get("reason") else state


def _timeline(body: Json, created: float) -> Table:
    made = table("when", "after", "what", "status", "detail")
    made.add_row(clock(created), "", "submitted", "", "")
    made.add_row(clock(body["decided_at"]), since(created, body["decided_at"]), "router", word(body["state"]), body.get("reason", ""))
    for at, what, status, detail in _attempts(body):
        made.add_row(clock(at) if at else "", since(created, at) if at else "", what, status, detail)
    return made


def _attempts(body: Json) -> list[tuple[float, str, Text, str]]:
    """Time (0: none), what, status and detail of every attempt, oldest first, then of the deliveries without one."""
    deliveries = body.get("deliveries", [])
    made = [
        (float(attempt["at"]), _attempt(delivery, attempt), word(attempt["status"]), _detail(attempt))
        for delivery in deliveries
        for attempt in delivery.get("attempts", [])
    ]
    waiting = [
        (0.0, f"{delivery['channel']} {delivery['id']}", word(delivery["status"]), "no attempt yet")
        for delivery in deliveries
        if not delivery.get("attempts")
    ]
    return sorted(made, key=lambda row: row[0]) + waiting


def _attempt(delivery: Json, attempt: Json) -> str:
    redrive = f" generation {attempt['generation']}" if attempt.get("generation") else ""
    return f"{delivery['channel']} attempt {attempt.get('attempt', 0) + 1}{redrive}"


def _detail(attempt: Json) -> str:
    code = f"code {attempt['code']}" if attempt.get("code") else ""
    took = f"{attempt['ms']:.1f} ms" if attempt.get("ms") else ""
    twice = "possible duplicate" if attempt.get("possible_duplicate") else ""
    outcome, reason, provider, detail = (attempt.get(name, "") for name in ("outcome", "reason", "provider", "detail"))
    parts = (outcome, "" if reason == outcome.lower() else reason, provider, code, detail, took, twice)
    return ", ".join(part for part in parts if part)


def explained(body: Json) -> RenderableType:
    """The sentence, the gates and the attempts."""
    made = table("gate", "verdict", "reason", "inputs")
    for gate in body["gates"]:
        made.add_row(gate["gate"], word(gate["verdict"]), gate["reason"], inputs(gate["inputs"]))
    told: list[RenderableType] = [Text(body["id"], "dim"), Text(body["sentence"], "bold"), Text(), made]
    if not body.get("deliveries"):
        return Group(*told)
    tried = table("when", "attempt", "status", "detail")
    for at, what, status, detail in _attempts(body):
        tried.add_row(clock(at) if at else "", what, status, detail)
    return Group(*told, Text(), tried)


def inputs(values: Json) -> str:
    """What a gate looked at, in one line."""
    return "  ".join(f"{name}={_plain(name, value)}" for name, value in values.items())


def _plain(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_plain(name, each)}" for name, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(_plain(name, each) for each in value)
    return day(value) if isinstance(value, float) and (name in TIMES or name.endswith("_at")) else str(value)


def page(body: Json) -> RenderableType:
    """A user's notifications."""
    made = table("created", "notification", "type", "lane", "state", "deliveries")
    for one in body["notifications"]:
        ways = Text("  ").join(Text(f"{way['channel']} ").append_text(word(way["status"])) for way in one.get("deliveries", []))
        made.add_row(day(one.get("created_at", 0.0)), one["id"], one.get("type", ""), one.get("lane", ""), _state(one), ways)
    return made
