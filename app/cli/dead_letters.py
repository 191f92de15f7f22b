"""`herold dead-letters`: finds, shows, redrives and discards what could not be processed, over the gateway's API."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import click
import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.times import TIME_FORMATS, parse_time
from schemas.channels import CHANNEL_NAMES
from schemas.dead_letters import STAGES, STATES
from schemas.timestamps import ZonedDatetime

PATH = "/v1/dead-letters"
STYLES = {"open": "yellow", "redriven": "green", "discarded": "magenta"}
MAX_ERROR_CHARACTERS = 70

F = TypeVar("F", bound=Callable[..., Any])


@click.group("dead-letters")
def dead_letters() -> None:
    """Find, show, redrive and discard what could not be processed.

    \b
    herold dead-letters causes
    herold dead-letters list --cause 5f2b8c0d9e4a7163
    herold dead-letters redrive --cause 5f2b8c0d9e4a7163 --preview
    """


class PastTime(click.ParamType):
    """A time in epoch seconds; a duration counts back from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The time. Fails with the formats that there are."""
        if isinstance(value, int | float):
            return float(value)
        now = time.time()
        try:
            if value.startswith("-"):
                return 2 * now - float(parse_time(f"+{value[1:]}", now))
            at = parse_time(value, now)
            return at if isinstance(at, float) else msgspec.convert(at, ZonedDatetime).timestamp()
        except ValueError:
            self.fail(f"{value!r} is not a time: use {TIME_FORMATS}; -1h is an hour ago", param, ctx)


def add_filter_options(command: F) -> F:
    """Add the options of a filter; `build_filter` reads them."""
    options = (
        click.option("--cause", help="Only those with this cause, as `herold dead-letters causes` shows it."),
        click.option("--reason", help="Only those with this reason."),
        click.option("--stage", type=click.Choice(STAGES), help="Only those of this stage."),
        click.option("--channel", type=click.Choice(CHANNEL_NAMES), help="Only deliveries on this channel."),
        click.option("--type", "notification_type", help="Only those of this notification type."),
        click.option("--user", "user_id", help="Only those of this user."),
        click.option("--notification", "notification_id", help="Only those of this notification."),
        click.option("--account", help="Only deliveries over this provider account."),
        click.option("--since", type=PastTime(), help="Only those from this time on; -1h is an hour ago."),
        click.option("--until", type=PastTime(), help="Only those before this time."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def build_filter(options: dict[str, Any]) -> dict[str, Any]:
    """The filter in the options of a command, which are removed from them."""
    names = ("cause", "reason", "stage", "channel", "notification_type", "user_id", "notification_id", "account", "since", "until")
    given = {name: options.pop(name) for name in names}
    given["type"] = given.pop("notification_type")
    return {name: value for name, value in given.items() if value is not None}


@dead_letters.command("list")
@add_filter_options
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@add_page_options
@add_gateway_options
@json_option
def list_dead_letters(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List dead letters, newest first.

    \b
    herold dead-letters list --reason retries_exhausted --channel email --state open --since -1h
    """
    selection = build_filter(options)
    print_result(load_gateway_client(url, api_key).get(PATH, **select_given(**selection, **options)), as_json, _format_dead_letters)


@dead_letters.command()
@add_filter_options
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many causes.")
@add_gateway_options
@json_option
def causes(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Group dead letters by what went wrong, the most frequent cause first.

    \b
    herold dead-letters causes --state open --since -1d
    """
    selection = build_filter(options)
    if selection.keys() & {"cause", "notification_id"}:
        raise click.UsageError("--cause and --notification select single dead letters: use `herold dead-letters list`")
    print_result(load_gateway_client(url, api_key).get(f"{PATH}/causes", **select_given(**selection, **options)), as_json, _format_causes)


@dead_letters.command()
@click.argument("dead_letter_id", metavar="ID")
@click.option("--exact", is_flag=True, help="The exact bytes, with addresses and bodies; the audit log keeps who asked for them.")
@add_gateway_options
@json_option
def show(dead_letter_id: str, exact: bool, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a dead letter with its record, addresses and bodies masked.

    \b
    herold dead-letters show dlt_0199c82cc00070008000000000000001
    """
    found = load_operator_client(url, api_key).get(build_path(dead_letter_id), **select_given(exact=exact))
    print_result(found, as_json, format_dead_letter)


@dead_letters.command()
@click.argument("dead_letter_ids", metavar="[ID]...", nargs=-1)
@add_filter_options
@click.option("--all", "selects_all", is_flag=True, help="All that are open and that the options select; without options, all.")
@click.option("--why", required=True, help="Why, for the audit log.")
@add_gateway_options
@json_option
def discard(
    dead_letter_ids: tuple[str, ...], selects_all: bool, why: str, url: str | None, api_key: str | None, as_json: bool, **options: Any
) -> None:
    """Discard dead letters: they stay in the list, and nothing sends them again.

    \b
    herold dead-letters discard dlt_0199c82cc00070008000000000000001 --why "a test of the producer"
    herold dead-letters discard --all --cause 5f2b8c0d9e4a7163 --why "too old"
    """
    selection = build_selection(dead_letter_ids, build_filter(options), selects_all=selects_all)
    changed = load_operator_client(url, api_key).change("POST", f"{PATH}/discard", {"reason": why, **selection})
    print_result(changed, as_json, lambda body: Text(f"discarded: {body['count']:,}"))


def build_selection(ids: tuple[str, ...], selection: dict[str, Any], *, selects_all: bool = False) -> dict[str, Any]:
    """The ids or the filter of a request. Raises click.UsageError for both, and for neither unless all are meant."""
    if ids and (selection or selects_all):
        raise click.UsageError("give either ids or options that select dead letters")
    if not ids and not selection and not selects_all:
        raise click.UsageError("give ids, options that select dead letters, or --all")
    return {"ids": list(ids)} if ids else {"filter": selection}


def build_path(dead_letter_id: str) -> str:
    """The path of a dead letter; characters that have a meaning in URLs are quoted."""
    return f"{PATH}/{quote(dead_letter_id, safe='')}"


def format_dead_letter(details: JsonObject) -> RenderableType:
    """A dead letter with its record."""
    one = details["dead_letter"]
    source = f"{one['source_topic']} partition {one['source_partition']} offset {one['source_offset']}"
    ended = f" {formatting.format_datetime(one['ended_at'])} by {one['ended_by']}" if one["ended_at"] else ""
    fields = formatting.build_key_value_table(
        {
            "dead letter": Text(one["id"], "bold"),
            "state": Text(one["state"] + ended, STYLES.get(one["state"], "white")),
            "discarded because": one["discard_reason"],
            "redrive": one["redrive_id"],
            "stage": one["stage"],
            "reason": one["reason"],
            "error": one["error"],
            "cause": one["cause"],
            "created": formatting.format_datetime(one["created_at"]),
            "source": source if one["source_topic"] else "",
            "user": one["user_id"],
            "type": one["type"],
            "notification": one["notification_id"],
            "delivery": one["delivery_id"],
            "account": one["account"],
            "attempts": str(one["attempts"] or ""),
            "redriven before": str(one["redrive_count"] or ""),
            "key": details["key"] or "",
            "headers": "\n".join(f"{header['name']}: {header['value']}" for header in details["source_headers"]),
            "masked": "yes: --exact shows the bytes, and is logged" if details["is_masked"] else "no",
        }
    )
    return Group(fields, Text(), _format_value(details))


def _format_value(details: JsonObject) -> RenderableType:
    if details["decode_error"]:
        return Group(Text(details["decode_error"], "red"), *map(Text, details["hex_view"]))
    return Text(json.dumps(details["value"], ensure_ascii=False, indent=2))


def _format_dead_letters(page: JsonObject) -> RenderableType:
    table = formatting.build_table("created", "dead letter", "stage", "reason", "type", "user", "state", "error")
    for one in page["items"]:
        state = Text(one["state"], STYLES.get(one["state"], "white"))
        stage = f"{one['stage']} {one['channel']}".strip()
        created, error = formatting.format_datetime(one["created_at"]), _shorten(one["error"])
        table.add_row(created, one["id"], stage, one["reason"], one["type"], one["user_id"], state, error)
    return format_page(table, page)


def _format_causes(body: JsonObject) -> RenderableType:
    table = formatting.build_table("cause", "count", "open", "first", "last", "stage", "reason", "code", "example", "error")
    for group in body["items"]:
        one = group["example"]
        times = [formatting.format_datetime(group[name]) for name in ("first_seen_at", "last_seen_at")]
        counts, code = (f"{group['count']:,}", f"{group['open_count']:,}"), str(one["provider_code"] or "")
        stage = f"{one['stage']} {one['channel']}".strip()
        table.add_row(group["cause"], *counts, *times, stage, one["reason"], code, one["id"], _shorten(one["error"]))
    return table if table.row_count else Text("none")


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_ERROR_CHARACTERS else f"{text[:MAX_ERROR_CHARACTERS]}..."
