"""`herold dead-letters`: finds, shows, redrives and discards what could not be processed, over the gateway's API."""

import json
from typing import IO, Any
from urllib.parse import quote

import click
from rich.console import Group, RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.dead_letter_filters import WholeSeconds, add_filter_options, build_filter, build_selection
from app.cli.json_input import parse_json
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.redrives import PATH as REDRIVES_PATH
from app.cli.redrives import format_preview, format_redrive, watch_redrive
from schemas.dead_letters import STATES

PATH = "/v1/dead-letters"
STYLES = {"open": "yellow", "redriven": "green", "discarded": "magenta"}
MAX_ERROR_CHARACTERS = 70


@click.group("dead-letters")
def dead_letters() -> None:
    """Find, show, redrive and discard what could not be processed.

    \b
    herold dead-letters causes
    herold dead-letters list --cause 5f2b8c0d9e4a7163
    herold dead-letters redrive --cause 5f2b8c0d9e4a7163 --preview
    """


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


@dead_letters.command()
@click.argument("dead_letter_ids", metavar="[ID]...", nargs=-1)
@add_filter_options
@click.option("--all", "selects_all", is_flag=True, help="All that are open.")
@click.option("--rate", type=click.IntRange(1), help="Dead letters per second; default: as fast as it goes.")
@click.option("--include-delivered", is_flag=True, help="Also what has arrived since, or on another channel since.")
@click.option("--extend-expiry", type=WholeSeconds(), help="What has expired may be sent for so long, such as 30m.")
@click.option("--value", type=click.File("rb"), help="A file with another value for the only notification, as JSON; - is stdin.")
@click.option("--why", default="", help="Why, for the audit log.")
@click.option("--preview", is_flag=True, help="Count what would become of them; nothing is sent.")
@click.option("--wait", is_flag=True, help="Wait until it has ended, with a progress bar.")
@add_gateway_options
@json_option
def redrive(
    dead_letter_ids: tuple[str, ...],
    value: IO[bytes] | None,
    url: str | None,
    api_key: str | None,
    as_json: bool,
    wait: bool,
    **options: Any,
) -> None:
    """Send dead letters again. What has expired, is not wanted any more or has arrived is skipped, and counted.

    \b
    herold dead-letters redrive --cause 5f2b8c0d9e4a7163 --preview
    herold dead-letters redrive --cause 5f2b8c0d9e4a7163 --rate 100 --why "SendGrid is back" --wait
    herold dead-letters redrive dlt_0199c82cc00070008000000000000001 --value mended.json

    Consent and hard bounces count in any case.
    """
    api, preview, reason = load_operator_client(url, api_key), options.pop("preview"), options.pop("why")
    selection = build_selection(dead_letter_ids, build_filter(options), selects_all=options.pop("selects_all"))
    given = {name: option for name, option in options.items() if option}
    if value is not None:
        if len(dead_letter_ids) != 1 or given or preview:
            raise click.UsageError("--value goes with one id, and with --why and --wait only: it is a new value under the same id")
        created = api.change("POST", f"{build_path(dead_letter_ids[0])}/redrive", _read_value(value), reason=reason)
    else:
        created = api.change("POST", REDRIVES_PATH, {**selection, **given, "reason": reason, "preview": preview})
    if preview:
        print_result(created, as_json, format_preview)
    elif wait:
        watch_redrive(api, created["id"], as_json)
    else:
        print_result(created, as_json, format_redrive)


def _read_value(file: IO[bytes]) -> Any:
    try:
        return parse_json(file.read())
    except ValueError as error:
        raise click.UsageError(f"--value: {error}") from None


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
