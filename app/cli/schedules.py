"""`herold schedules`: sets, lists, shows, pauses, resumes, runs and deletes recurring schedules."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.broadcasts import format_broadcast, format_recipients
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.send import DATA_HELP, parse_data
from app.cli.times import TIME_FORMATS, TimeParameter
from app.cli.users import find_or_none
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.local_time import format_local_time

SCHEDULES_PATH = "/v1/schedules"
STATES = ("active", "paused", "ended")
MISSED = {"skip": "are skipped", "once": "are made up for by one run", "all": "all run, the last 100 of them"}
STYLES = {"active": "green", "paused": "yellow", "ended": "magenta"}
SHOWN_RUNS = 5
NEVER_EARLIER = f"No run is earlier: {TIME_FORMATS}; empty: none."
NEVER_LATER = "No run is later; as --start-at."
DEFINED_FIELDS = ("cron", "time_zone", "start_at", "end_at", "missed", "notification", "audience", "user_ids", "priority", "rate")


@click.group()
def schedules() -> None:
    """Send a notification to an audience again and again, at the times of a cron expression.

    \b
    herold schedules set morning --cron "0 8 * * 1-5" --time-zone Europe/Vienna --audience testers \\
        --type newsletter.weekly --data name=Ada --data headline=News --data intro=Hello --data link=https://example.org
    herold schedules show morning
    """


@schedules.command("set")
@click.argument("name")
@click.option("--cron", help="Minute, hour, day of the month, month, day of the week; such as 0 8 * * 1-5.")
@click.option("--time-zone", help="Whose clock the expression means, such as Europe/Vienna; default: UTC.")
@click.option("--start-at", type=TimeParameter(can_be_empty=True), metavar="TIME", help=NEVER_EARLIER)
@click.option("--end-at", type=TimeParameter(can_be_empty=True), metavar="TIME", help=NEVER_LATER)
@click.option("--missed", type=click.Choice([*MISSED]), help="Of runs more than a minute late: none, one for all, or each. Default: once.")
@click.option("--type", "notification_type", help="The notification type.")
@click.option("--audience", help="The name of an audience.")
@click.option("--user", multiple=True, help="Instead of an audience, this user. Repeatable.")
@click.option("--data", multiple=True, metavar="K=V|K:=JSON|JSON", help=DATA_HELP)
@click.option("--channel", multiple=True, type=click.Choice(CHANNEL_NAMES), help="Use only this channel. Repeatable.")
@click.option("--template", help="Template; default: the rule's.")
@click.option("--locale", help="Locale; default: the user's.")
@click.option("--priority", type=click.Choice(PRIORITIES), help="Priority of the topic; default: as the rule says, else low.")
@click.option("--rate", type=click.IntRange(0), help="Users per second; 0: as fast as it goes.")
@add_gateway_options
@json_option
def set_schedule(name: str, url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Create a schedule, or change what is given of one.

    \b
    herold schedules set morning --cron "30 7 * * 1-5" --end-at 2027-01-01T00:00:00+01:00
    """
    api, path = load_operator_client(url, api_key), build_path(name)
    stored = find_or_none(lambda: api.get(path))
    body = build_definition(stored or {}, **options)
    print_result(api.change("PUT", path, body, stored["version"] if stored else None), as_json, format_schedule)


@schedules.command("list")
@click.option("--search", help="Part of a name.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@add_page_options
@add_gateway_options
@json_option
def list_schedules(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List schedules by name.

    \b
    herold schedules list --state active
    """
    print_result(load_gateway_client(url, api_key).get(SCHEDULES_PATH, **select_given(**options)), as_json, _format_schedules)


@schedules.command()
@click.argument("name")
@add_gateway_options
@json_option
def show(name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a schedule with its last and next five runs.

    \b
    herold schedules show morning
    """
    api = load_gateway_client(url, api_key)
    schedule = api.get(build_path(name))
    runs = api.get(build_path(name, "runs"), limit=SHOWN_RUNS)["items"]
    print_result({**schedule, "last_runs": runs}, as_json, format_schedule)


@schedules.command()
@click.argument("name")
@click.confirmation_option(prompt="Delete the schedule?")
@add_gateway_options
@json_option
def delete(name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete a schedule; runs that have started go on, as broadcasts.

    \b
    herold schedules delete morning --yes
    """
    api, path = load_operator_client(url, api_key), build_path(name)
    api.delete(path, api.get(path)["version"])
    print_result({"name": name}, as_json, lambda result: f"{result['name']} is deleted")


def _build_action(name: str, resource: str, text: str, format_result: Callable[[JsonObject], RenderableType]) -> click.Command:
    """A command that posts a reason to a resource of a schedule."""

    def act(name: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
        result = load_operator_client(url, api_key).change("POST", build_path(name, resource), {"reason": reason})
        print_result(result, as_json, format_result)

    act.__doc__ = f"{text}\n\n\b\nherold schedules {name} morning"
    reason_option = click.option("--reason", default="", help="Why, for the audit log.")
    return schedules.command(name)(click.argument("name")(reason_option(add_gateway_options(json_option(act)))))


def build_path(name: str, *parts: str) -> str:
    """The path of a schedule, or of what belongs to it."""
    return "/".join((SCHEDULES_PATH, quote(name, safe=""), *parts))


def build_definition(
    stored: JsonObject, notification_type: str | None, audience: str | None, user: Sequence[str], rate: int | None, **options: Any
) -> JsonObject:
    """What is stored, with what is given in its place. Raises click.UsageError for an invalid option."""
    if audience and user:
        raise click.UsageError("give either --audience or --user")
    notification = {
        "type": notification_type,
        "data": parse_data(options.pop("data")),
        "channels": list(options.pop("channel")),
        "template": options.pop("template"),
        "locale": options.pop("locale"),
    }
    definition = {name: stored[name] for name in DEFINED_FIELDS if stored.get(name)}
    definition["notification"] = {**stored.get("notification", {}), **_select_filled(notification)}
    if audience or user:
        definition |= {"audience": audience, "user_ids": list(user)}
    definition |= {name: value for name, value in {**options, "rate": rate}.items() if value is not None}
    if not definition.get("cron") or not definition["notification"].get("type"):
        raise click.UsageError("a new schedule needs --cron and --type, and --audience or --user")
    return _select_filled(definition)


def _select_filled(values: JsonObject) -> JsonObject:
    return {name: value for name, value in values.items() if value not in (None, "", {}, [], 0)}


def format_schedule(one: JsonObject) -> RenderableType:
    """A schedule with its runs."""
    runs = [f"{_format_local(one, run['run_at'])}  {run['state']}  {run['id']}" for run in one.get("last_runs", [])]
    return formatting.build_key_value_table(
        {
            "schedule": Text(one["name"], "bold"),
            "state": Text(one["state"], STYLES[one["state"]]),
            "times": f"{one['cron']}  in {one['time_zone']}",
            "from": _format_local(one, one["start_at"]),
            "until": _format_local(one, one["end_at"]),
            "next runs": "\n".join(_format_local(one, at) for at in one["next_runs"]) if one["state"] == "active" else "",
            "last runs": "\n".join(runs),
            "missed runs": MISSED[one["missed"]],
            "to": format_recipients(one),
            "type": one["notification"]["type"],
            "priority": one["priority"] or "of the rule, else low",
            "rate": f"{one['rate']:,} users per second" if one["rate"] else "",
            "created": f"{formatting.format_datetime(one['created_at'])} by {one['created_by']}",
        }
    )


def _format_schedules(page: JsonObject) -> RenderableType:
    table = formatting.build_table("schedule", "state", "times", "time zone", "next run", "type", "to")
    for one in page["items"]:
        state, next_run = Text(one["state"], STYLES[one["state"]]), _format_local(one, one["next_run_at"])
        table.add_row(one["name"], state, one["cron"], one["time_zone"], next_run, one["notification"]["type"], format_recipients(one))
    return format_page(table, page)


def _format_local(one: JsonObject, at: float | None) -> str:
    """A time of a schedule on the clock of its zone."""
    return "" if at is None else format_local_time(at, one["time_zone"])


pause = _build_action("pause", "pause", "Stop the runs of a schedule until it is resumed.", format_schedule)
resume = _build_action("resume", "resume", "Let a paused schedule run at its next time.", format_schedule)
run = _build_action("run", "runs", "Run a schedule now, besides its times.", format_broadcast)
