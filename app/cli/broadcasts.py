"""`herold broadcasts`: starts, lists, shows, watches, pauses, resumes and cancels broadcasts."""

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import ApiClient, load_gateway_client, load_operator_client
from app.cli.audiences import format_preview
from app.cli.errors import EXIT_FAILED
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, build_progress_console, json_option, print_result
from app.cli.send import DATA_HELP, parse_data
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES

BROADCASTS_PATH = "/v1/broadcasts"
STATES = ("pending", "running", "paused", "cancelled", "done", "failed")
OPEN_STATES = frozenset({"pending", "running"})
STYLES = {"done": "green", "failed": "red", "cancelled": "magenta", "paused": "yellow"}
POLL_INTERVAL = 0.5  # seconds


@click.group()
def broadcasts() -> None:
    """Send one notification to each user of an audience.

    \b
    herold broadcasts start order.shipped --audience testers --data order:=17 --data name=Ada --data eta=Friday --preview
    herold broadcasts list
    """


@broadcasts.command()
@click.argument("notification_type", metavar="TYPE")
@click.option("--audience", help="The name of an audience.")
@click.option("--user", multiple=True, help="Instead of an audience, this user. Repeatable.")
@click.option("--data", multiple=True, metavar="K=V|K:=JSON|JSON", help=DATA_HELP)
@click.option("--channel", multiple=True, type=click.Choice(CHANNEL_NAMES), help="Use only this channel. Repeatable.")
@click.option("--template", help="Template; default: the rule's.")
@click.option("--locale", help="Locale; default: the user's.")
@click.option("--priority", type=click.Choice(PRIORITIES), help="Priority of the topic; default: low, so that nothing else waits for it.")
@click.option("--rate", type=click.IntRange(1), help="Users per second; default: as fast as it goes.")
@click.option("--preview", is_flag=True, help="Check it and count the users; nothing is sent.")
@click.option("--wait", is_flag=True, help="Wait until it has ended, with a progress bar.")
@add_gateway_options
@json_option
def start(url: str | None, api_key: str | None, as_json: bool, preview: bool, wait: bool, **options: Any) -> None:
    """Start a broadcast. Success means that it is accepted; `herold broadcasts show` has its progress.

    \b
    herold broadcasts start account.otp --user u-42 --user u-43 --data code=482193 --data minutes=5
    herold broadcasts start newsletter --audience gold-in-german --data headline=News --rate 100 --wait
    """
    api = load_operator_client(url, api_key)
    response = api.change("POST", BROADCASTS_PATH, {**build_request(**options), "preview": preview})
    if preview:
        print_result(response, as_json, format_preview)
    elif wait:
        _watch(api, response["id"], as_json)
    else:
        print_result(response, as_json, format_broadcast)


@broadcasts.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--audience", help="Only those to this audience.")
@click.option("--search", help="Only those with this text in their type or audience.")
@add_page_options
@add_gateway_options
@json_option
def list_broadcasts(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List broadcasts, newest first.

    \b
    herold broadcasts list --state running
    """
    print_result(load_gateway_client(url, api_key).get(BROADCASTS_PATH, **select_given(**options)), as_json, _format_broadcasts)


@broadcasts.command()
@click.argument("broadcast_id", metavar="ID")
@add_gateway_options
@json_option
def show(broadcast_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a broadcast and its progress.

    \b
    herold broadcasts show brd_0199c82cc00070008000000000000001
    """
    print_result(load_gateway_client(url, api_key).get(_build_path(broadcast_id)), as_json, format_broadcast)


@broadcasts.command()
@click.argument("broadcast_id", metavar="ID")
@add_gateway_options
@json_option
def watch(broadcast_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show the progress until the broadcast has ended or is paused; of a cancelled one, until nothing of it waits.

    \b
    herold broadcasts watch brd_0199c82cc00070008000000000000001
    """
    _watch(load_gateway_client(url, api_key), broadcast_id, as_json)


def _build_action(action: str, text: str) -> Callable[..., None]:
    """A command that changes the state of a broadcast."""

    def change_state(broadcast_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
        body = {"reason": reason}
        changed = load_operator_client(url, api_key).change("POST", f"{_build_path(broadcast_id)}/{action}", body)
        print_result(changed, as_json, format_broadcast)

    change_state.__doc__ = f"{text}\n\n\b\nherold broadcasts {action} brd_0199c82cc00070008000000000000001"
    reason_option = click.option("--reason", default="", help="Why, for the audit log.")
    command = click.argument("broadcast_id", metavar="ID")(reason_option(add_gateway_options(json_option(change_state))))
    return broadcasts.command(action)(command)


pause = _build_action("pause", "Stop a broadcast after the page that is in hand.")
resume = _build_action("resume", "Go on with a broadcast that is paused or has failed.")
cancel = _build_action("cancel", "End a broadcast, and cancel what waits of it: held notifications, digests and retries.")


def build_request(
    notification_type: str, audience: str | None, user: Sequence[str], data: Sequence[str], channel: Sequence[str], **options: Any
) -> JsonObject:
    """The body of a request. Raises click.UsageError for an invalid option."""
    if bool(audience) == bool(user):
        raise click.UsageError("give either --audience or --user: herold broadcasts start order.shipped --audience testers")
    notification = {
        "type": notification_type,
        "data": parse_data(data),
        "channels": list(channel),
        "template": options["template"],
        "locale": options["locale"],
    }
    body = {"audience": audience, "user_ids": list(user), "priority": options["priority"], "rate": options["rate"]}
    given = {name: value for name, value in notification.items() if value not in (None, {}, [])}
    return {"notification": given, **{name: value for name, value in body.items() if value not in (None, [])}}


def format_broadcast(one: JsonObject) -> RenderableType:
    """A broadcast."""
    started, ended = (formatting.format_datetime(one[name]) if one[name] else "" for name in ("started_at", "ended_at"))
    return formatting.build_key_value_table(
        {
            "broadcast": Text(one["id"], "bold"),
            "state": Text(one["state"], STYLES.get(one["state"], "white")),
            "error": one["error"],
            "users": _format_progress(one),
            **format_counts(one["counts"]),
            "cancelled": _format_cancellation(one["cancellation"]),
            "to": format_recipients(one),
            "type": one["notification"]["type"],
            "priority": one["priority"] or "of the rule, else low",
            "rate": f"{one['rate']:,} users per second" if one["rate"] else "",
            "schedule": one["schedule_id"] or "",
            "created": f"{formatting.format_datetime(one['created_at'])} by {one['created_by']}",
            "started": started,
            "ended": ended,
        }
    )


def _watch(api: ApiClient, broadcast_id: str, as_json: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = build_progress_console()
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("pending", total=None)
        while True:
            one: JsonObject = api.get(_build_path(broadcast_id))
            progress.update(task, **_find_progress(one))
            if one["state"] not in OPEN_STATES and not is_being_cancelled(one):
                break
            time.sleep(POLL_INTERVAL)
    print_result(one, as_json, format_broadcast)
    if one["state"] != "done":
        raise SystemExit(EXIT_FAILED)


def is_being_cancelled(one: JsonObject) -> bool:
    """Whether something of a broadcast may still wait although it is cancelled."""
    return one["state"] == "cancelled" and not one["cancellation"]["is_done"]


def _find_progress(one: JsonObject) -> JsonObject:
    if is_being_cancelled(one):
        return {"description": "being cancelled", "completed": one["cancellation"]["checked_count"], "total": one["expanded_count"]}
    return {"description": one["state"], "completed": one["expanded_count"], "total": one["total_count"]}


def _build_path(broadcast_id: str) -> str:
    return f"{BROADCASTS_PATH}/{quote(broadcast_id, safe='')}"


def _format_broadcasts(page: JsonObject) -> RenderableType:
    table = formatting.build_table("created", "broadcast", "type", "to", "state", "users")
    for one in page["items"]:
        created, state = formatting.format_datetime(one["created_at"]), Text(one["state"], STYLES.get(one["state"], "white"))
        table.add_row(created, one["id"], one["notification"]["type"], format_recipients(one), state, _format_progress(one))
    return format_page(table, page)


def format_recipients(one: JsonObject) -> str:
    """To whom a broadcast or a schedule is."""
    return one["audience"] or f"{one['user_count']:,} named users"


def format_counts(counts: JsonObject | None) -> dict[str, str]:
    """What became of the notifications and deliveries of a broadcast, with their reasons."""
    if counts is None:
        return {}
    return {
        "notifications": _format_results(counts["notifications"], counts["notification_reasons"]),
        "deliveries": _format_results(counts["deliveries"], counts["delivery_reasons"]),
        "counted": formatting.format_datetime(counts["counted_at"]),
    }


def _format_results(numbers: dict[str, int], reasons: dict[str, dict[str, int]]) -> str:
    return ", ".join(f"{number:,} {name.lower()}{_format_reasons(reasons.get(name, {}))}" for name, number in numbers.items())


def _format_reasons(reasons: dict[str, int]) -> str:
    return f" ({', '.join(f'{reason} {number:,}' for reason, number in reasons.items())})" if reasons else ""


def _format_cancellation(cancellation: JsonObject | None) -> str:
    if cancellation is None:
        return ""
    done, waiting = f"{cancellation['cancelled_count']:,} that waited", cancellation["waiting_count"]
    if cancellation["is_done"]:
        return f"{done}; nothing waits any more"
    return f"{done}; {cancellation['checked_count']:,} checked" + (
        "" if waiting is None else f", {waiting:,} were waiting at the last look"
    )


def _format_progress(one: JsonObject) -> str:
    if one["total_count"] is None:
        return "not counted yet"
    return f"{one['expanded_count']:,} of {one['total_count']:,}"
