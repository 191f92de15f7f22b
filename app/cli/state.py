"""`herold state`: what the workers' tables hold of a user at this moment, and the counters, over the gateway's API."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import click
from rich.console import Group, RenderableType
from rich.text import Text

from app.cli.api_client import ApiClient, load_operator_client
from app.cli.errors import CommandError
from app.cli.formatting import build_key_value_table, build_table
from app.cli.output import add_gateway_options, escape_control_characters, json_option, print_result
from schemas.channels import CHANNEL_NAMES
from schemas.local_time import format_local_time

ALL = "all"


@click.command()
@click.argument("user")
@click.option("--reset", "channel", type=click.Choice([*CHANNEL_NAMES, ALL]), help="Empty the rate windows of a channel, or all, first.")
@click.option("--reason", default="", help="Why they are emptied, for the audit log.")
@add_gateway_options
@json_option
def state(user: str, channel: str | None, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show the rate windows, idempotency keys and open digests of a user, as the workers' tables hold them now, and what was sent by day.

    \b
    herold state u-ada
    herold state u-ada --reset sms --reason "the code did not arrive"

    An emptied window has room at once: what was sent does not count any more. The audit log keeps who did it and why.
    """
    client = load_operator_client(url, api_key)  # the audit log names who empties a window
    if channel:
        selection = {} if channel == ALL else {"channel": channel}
        reset = client.delete(f"/v1/users/{quote(user, safe='')}/rate-windows", None, **selection, reason=reason)
        emptied = ", ".join(escape_control_characters(window) for window in reset["windows"]) or "none: nothing was counted"
        click.echo(f"emptied: {emptied}; {reset['audit_id']}", err=True)
    print_result({**client.get(build_state_path(user)), **read_counts(client, user)}, as_json, format_state)


def read_counts(client: ApiClient, user: str) -> dict[str, Any]:
    """What the user was sent in the last 30 days. Without it the state is shown all the same: it does not depend on PostgreSQL."""
    try:
        return {"counts": client.get(f"/v1/users/{quote(user, safe='')}/counts")["counts"]}
    except CommandError as error:
        return {"counts": [], "counts_problem": error.message}


def build_state_path(user: str) -> str:
    """The path of a user's state; characters that have a meaning in URLs are quoted."""
    return f"/v1/users/{quote(user, safe='')}/state"


def format_state(body: Mapping[str, Any]) -> RenderableType:
    """A user's state: who answered, then a table of each kind."""
    parts: list[RenderableType] = [build_key_value_table(_list_fields(body)), Text(), _build_windows(body)]
    if body["idempotency_keys"]:
        parts += [Text(), _build_idempotency_keys(body)]
    if body["scheduled"]:
        parts += [Text(), _build_entries(body)]
    if body["digests"]:
        parts += [Text(), _build_digests(body)]
    if body["counts"]:
        parts += [Text(), _build_counts(body["counts"])]
    return Group(*parts)


def _list_fields(body: Mapping[str, Any]) -> dict[str, RenderableType]:
    return {
        "user": body["user_id"],
        "read": format_local_time(body["read_at"], body["time_zone"]),
        **{f"{role} at": url for role, url in body["workers"].items()},
        **{f"no {role}": Text(problem, "red") for role, problem in body["unavailable"].items()},
        "no counts": Text(problem, "red") if (problem := body.get("counts_problem")) else "",
        "cut": f"only the first 500 rows of {', '.join(body['truncated'])} are shown" if body["truncated"] else "",
    }


def _build_counts(counts: Sequence[Mapping[str, Any]]) -> RenderableType:
    """A row for each day, with a column for each channel."""
    by_day: dict[str, dict[str, int]] = {}
    for count in counts:
        by_day.setdefault(count["day"], {})[count["channel"]] = count["sent"]
    channels = sorted({count["channel"] for count in counts})
    table = build_table("day (UTC)", *channels, title="Sent by day")
    for day, sent in by_day.items():
        table.add_row(day, *(f"{sent[channel]:,}" if channel in sent else "" for channel in channels))
    return table


def _build_windows(body: Mapping[str, Any]) -> RenderableType:
    table = build_table("channel", "window", "used", "limit", "room again", title="Rate windows")
    for window in body["rate_windows"]:
        room = "has room" if window["has_room"] else "never: the limit is 0"
        if window["room_again_at"]:
            room = format_local_time(window["room_again_at"], body["time_zone"])
        table.add_row(
            _describe_scope(window),
            f"{window['window_seconds']:,} s",
            str(window["used_count"]),
            str(window["max_count"]),
            Text(room, "green" if window["has_room"] else "yellow"),
        )
    return table if body["rate_windows"] else Text("no rate limits apply", "dim")


def _describe_scope(window: Mapping[str, Any]) -> str:
    """What a limit counts: a channel or all, a category, a tier."""
    names = window["channel"] or "all channels", window["category"], window["tier"] and f"tier {window['tier']}"
    return ", ".join(filter(None, names))


def _build_idempotency_keys(body: Mapping[str, Any]) -> RenderableType:
    table = build_table("key", "first notification", "received", "in force until", title="Idempotency keys")
    for entry in body["idempotency_keys"]:
        key = "(its id)" if entry["key"] == entry["notification_id"] else entry["key"]
        times = [format_local_time(entry[name], body["time_zone"]) for name in ("received_at", "expires_at")]
        table.add_row(key, entry["notification_id"], *times)
    return table


def _build_entries(body: Mapping[str, Any]) -> RenderableType:
    table = build_table("id", "released", "priority", "releases before", title="Held by the scheduler")
    for entry in body["scheduled"]:
        table.add_row(entry["id"], format_local_time(entry["due_at"], body["time_zone"]), entry["priority"], str(entry["resume_count"] - 1))
    return table


def _build_digests(body: Mapping[str, Any]) -> RenderableType:
    table = build_table("id", "type", "key", "gathered", "since", "sent", title="Digests")
    for digest in body["digests"]:
        times = [format_local_time(digest[name], body["time_zone"]) for name in ("started_at", "ends_at")]
        table.add_row(digest["id"], digest["type"], digest["key"], str(digest["count"]), *times)
    return table
