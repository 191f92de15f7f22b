"""The options of commands that select dead letters."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from app.cli.durations import parse_duration
from app.cli.times import TIME_FORMATS, parse_time
from schemas.channels import CHANNEL_NAMES
from schemas.dead_letters import STAGES
from schemas.timestamps import ZonedDatetime

F = TypeVar("F", bound=Callable[..., Any])


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


class WholeSeconds(click.ParamType):
    """A duration in whole seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds. Fails with the format."""
        try:
            return value if isinstance(value, int) else parse_duration(value)
        except ValueError:
            self.fail(f"{value!r} is no duration: write numbers with h, m or s, such as 30m or 1h30m", param, ctx)


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


def build_selection(ids: tuple[str, ...], selection: dict[str, Any], *, selects_all: bool = False) -> dict[str, Any]:
    """The ids or the filter of a request. Raises click.UsageError for both, and for neither unless all are meant."""
    if ids and (selection or selects_all):
        raise click.UsageError("give either ids or options that select dead letters")
    if not ids and not selection and not selects_all:
        raise click.UsageError("give ids, options that select dead letters, or --all")
    return {"ids": list(ids)} if ids else {"filter": selection}
