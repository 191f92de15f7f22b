"""`herold redrives`: shows and controls redrives of dead letters; `herold dead-letters redrive` starts them."""

import time
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import ApiClient, load_gateway_client, load_operator_client
from app.cli.errors import EXIT_FAILED
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, build_progress_console, json_option, print_result
from schemas.redrives import RedriveState

PATH = "/v1/redrives"
STATES = get_args(RedriveState)
OPEN_STATES = frozenset({"pending", "running"})
STYLES = {"done": "green", "failed": "red", "cancelled": "magenta", "paused": "yellow"}
POLL_INTERVAL = 0.5  # seconds
TIMES = ("since", "until")  # of a filter, in epoch seconds


@click.group()
def redrives() -> None:
    """Show and control redrives of dead letters.

    \b
    herold dead-letters redrive --cause 5f2b8c0d9e4a7163 --rate 100
    herold redrives list
    """


@redrives.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@add_page_options
@add_gateway_options
@json_option
def list_redrives(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List redrives, newest first.

    \b
    herold redrives list --state running
    """
    print_result(load_gateway_client(url, api_key).get(PATH, **select_given(**options)), as_json, _format_redrives)


@redrives.command()
@click.argument("redrive_id", metavar="ID")
@add_gateway_options
@json_option
def show(redrive_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a redrive, its progress and its result.

    \b
    herold redrives show rdr_0199c82cc00070008000000000000001
    """
    print_result(load_gateway_client(url, api_key).get(_build_path(redrive_id)), as_json, format_redrive)


@redrives.command()
@click.argument("redrive_id", metavar="ID")
@add_gateway_options
@json_option
def watch(redrive_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show the progress until the redrive has ended or is paused.

    \b
    herold redrives watch rdr_0199c82cc00070008000000000000001
    """
    watch_redrive(load_gateway_client(url, api_key), redrive_id, as_json)


def _build_action(action: str, text: str) -> Callable[..., None]:
    """A command that changes the state of a redrive."""

    def change_state(redrive_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
        body = {"reason": reason}
        changed = load_operator_client(url, api_key).change("POST", f"{_build_path(redrive_id)}/{action}", body)
        print_result(changed, as_json, format_redrive)

    change_state.__doc__ = f"{text}\n\n\b\nherold redrives {action} rdr_0199c82cc00070008000000000000001"
    reason_option = click.option("--reason", default="", help="Why, for the audit log.")
    command = click.argument("redrive_id", metavar="ID")(reason_option(add_gateway_options(json_option(change_state))))
    return redrives.command(action)(command)


pause = _build_action("pause", "Stop a redrive after the page that is in hand.")
resume = _build_action("resume", "Go on with a redrive that is paused or has failed.")
cancel = _build_action("cancel", "End a redrive; what is not produced stays open.")


def watch_redrive(api: ApiClient, redrive_id: str, as_json: bool) -> None:
    """Show the progress until the redrive has ended or is paused, then the redrive; the exit code says whether it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = build_progress_console()
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("pending", total=None)
        while True:
            one: JsonObject = api.get(_build_path(redrive_id))
            progress.update(task, description=one["state"], completed=_count_ended(one), total=one["total_count"])
            if one["state"] not in OPEN_STATES:
                break
            time.sleep(POLL_INTERVAL)
    print_result(one, as_json, format_redrive)
    if one["state"] != "done":
        raise SystemExit(EXIT_FAILED)


def format_redrive(one: JsonObject) -> RenderableType:
    """A redrive."""
    started, ended = (formatting.format_datetime(one[name]) if one[name] else "" for name in ("started_at", "ended_at"))
    return formatting.build_key_value_table(
        {
            "redrive": Text(one["id"], "bold"),
            "state": Text(one["state"], STYLES.get(one["state"], "white")),
            "error": one["error"],
            "dead letters": _format_progress(one),
            "redriven": f"{one['redriven_count']:,}",
            "skipped": format_counts(one["skipped_counts"]),
            "of": format_selection(one["selection"]),
            "edited": "with another value" if one["is_edited"] else "",
            "rate": f"{one['rate']:,} per second" if one["rate"] else "",
            "delivered ones": "also" if one["include_delivered"] else "",
            "expired ones": f"may be sent for {one['extend_expiry']:,} s" if one["extend_expiry"] else "",
            "reason": one["reason"],
            "created": f"{formatting.format_datetime(one['created_at'])} by {one['created_by']}",
            "started": started,
            "ended": ended,
        }
    )


def format_preview(preview: JsonObject) -> RenderableType:
    """What would become of the dead letters of a redrive."""
    results = dict(preview["results"])
    examined = "all" if preview["examined_count"] == preview["count"] else f"the oldest {preview['examined_count']:,}"
    return formatting.build_key_value_table(
        {
            "dead letters": f"{preview['count']:,}",
            "examined": examined,
            "would be redriven": f"{results.pop('redriven', 0):,}",
            "would be skipped": format_counts(results) or "none",
        }
    )


def format_counts(counts: Mapping[str, int]) -> str:
    """Counts by name, the greatest first."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _build_path(redrive_id: str) -> str:
    return f"{PATH}/{quote(redrive_id, safe='')}"


def _format_redrives(page: JsonObject) -> RenderableType:
    table = formatting.build_table("created", "redrive", "state", "dead letters", "redriven", "by", "of")
    for one in page["items"]:
        created, state = formatting.format_datetime(one["created_at"]), Text(one["state"], STYLES.get(one["state"], "white"))
        counts = _format_progress(one), f"{one['redriven_count']:,}"
        table.add_row(created, one["id"], state, *counts, one["created_by"], format_selection(one["selection"]))
    return format_page(table, page)


def _count_ended(one: JsonObject) -> int:
    return int(one["redriven_count"] + sum(one["skipped_counts"].values()))


def _format_progress(one: JsonObject) -> str:
    return f"{_count_ended(one):,} of {one['total_count']:,}"


def format_selection(selection: JsonObject) -> str:
    """What a redrive is of, in words; times are local ones."""
    if "ids" in selection:
        return f"{len(selection['ids'])} named"
    return ", ".join(f"{name} {_format_value(name, value)}" for name, value in selection.items()) or "all that were open"


def _format_value(name: str, value: Any) -> str:
    return formatting.format_datetime(value) if name in TIMES else str(value)
