"""`herold limits`: lists, sets and deletes rate limits."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec
from rich.console import RenderableType

from app.admin import rate_limits as admin
from app.cli.connection_profile import load_connection_profile
from app.cli.durations import DurationType
from app.cli.errors import CommandError, run_query
from app.cli.formatting import build_table, format_datetime
from app.cli.origin import add_origin_options, build_origin
from app.cli.output import JsonObject, json_option, print_result
from schemas.channels import CHANNEL_NAMES
from schemas.errors import PolicyDocumentError
from schemas.lifetimes import MAX_RATE_WINDOW
from schemas.policy import RateLimit
from schemas.policy_document import MAX_INTEGER, RateLimitEntry, build_rate_limit, describe_rate_limit
from schemas.rate_limits import RateLimitKey

F = TypeVar("F", bound=Callable[..., Any])
ALL_CHANNELS = "all"
channel_type = click.Choice([ALL_CHANNELS, *CHANNEL_NAMES])
project_option = click.option("--project", default="", help="Whose users it counts; default: those of the default project.")


def add_key_options(command: F) -> F:
    """Add the options that say what a limit counts; the command gets a RateLimitKey from `_build_key`."""
    window = click.option("--window", required=True, type=DurationType(MAX_RATE_WINDOW), help="Such as 90s, 1h or 7d.")
    channel = click.option("--channel", default=ALL_CHANNELS, show_default=True, type=channel_type, help="`all` counts all together.")
    category = click.option("--category", default="", help="Default: all categories.")
    tier = click.option("--tier", default="", help="Default: users of all tiers.")
    return channel(window(category(tier(project_option(command)))))


@click.group()
def limits() -> None:
    """List and change how many notifications a user gets in a window of time.

    \b
    herold limits set --channel sms --window 1h --max 5
    """


@limits.command("list")
@click.option("--channel", type=channel_type, help="Only those of this channel; `all`: those over all channels.")
@click.option("--category", help="Only those of this category.")
@click.option("--tier", help="Only those of this tier.")
@project_option
@json_option
def list_limits(channel: str | None, category: str | None, tier: str | None, project: str, as_json: bool) -> None:
    """List the rate limits of a project.

    \b
    herold limits list --channel sms
    """
    url = load_connection_profile().postgres.url
    wanted = None if channel is None else _name_channel(channel)
    found = run_query(url, admin.list_rate_limits(url, project, wanted, category, tier))
    print_result(msgspec.to_builtins(found), as_json, _format_limits)


@limits.command("set")
@add_key_options
@click.option("--max", "max_count", required=True, type=click.IntRange(1, MAX_INTEGER), help="So many in any window.")
@add_origin_options
@json_option
def set_limit(max_count: int, comment: str, actor: str, as_json: bool, **key_options: Any) -> None:
    """Create a rate limit, or change the one that counts the same in the same window.

    \b
    herold limits set --channel email --category marketing --window 7d --max 3 --comment "fewer newsletters"
    """
    url, key = load_connection_profile().postgres.url, _build_key(**key_options)
    try:
        entry = msgspec.convert({**key._asdict(), "max_count": max_count}, RateLimitEntry)
        stored = run_query(url, admin.put_rate_limit(url, entry, build_origin(actor, comment)))
    except (PolicyDocumentError, msgspec.ValidationError) as error:
        raise CommandError(str(error).removeprefix("rate_limits[0]."), "nothing was changed") from None
    text = f"{describe_rate_limit(build_rate_limit(entry))}: at most {max_count}, version {stored.version}"
    print_result(msgspec.to_builtins(stored), as_json, lambda _: text)


@limits.command()
@add_key_options
@add_origin_options
@json_option
def delete(comment: str, actor: str, as_json: bool, **key_options: Any) -> None:
    """Delete a rate limit. Its versions stay.

    \b
    herold limits delete --channel sms --window 1h --comment "too strict"
    """
    url, key = load_connection_profile().postgres.url, _build_key(**key_options)
    run_query(url, admin.delete_rate_limit(url, key, build_origin(actor, comment)))
    print_result(key._asdict(), as_json, lambda _: f"{_describe(key)}: deleted")


@limits.command()
@add_key_options
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Versions to show.")
@json_option
def history(limit: int, as_json: bool, **key_options: Any) -> None:
    """List the versions of a rate limit, newest first: who changed it, when and why.

    \b
    herold limits history --channel sms --window 1h
    """
    url, key = load_connection_profile().postgres.url, _build_key(**key_options)
    versions = run_query(url, admin.list_versions(url, key, limit))
    print_result(msgspec.to_builtins(versions), as_json, _format_versions)


def _name_channel(channel: str) -> str:
    return "" if channel == ALL_CHANNELS else channel


def _build_key(channel: str, window: float, category: str, tier: str, project: str) -> RateLimitKey:
    return RateLimitKey(_name_channel(channel), category, tier, round(window), project)


def _describe(key: RateLimitKey) -> str:
    return describe_rate_limit(msgspec.convert({**key._asdict(), "max_count": 1}, RateLimit))


def _format_limits(found: list[JsonObject]) -> RenderableType:
    table = build_table("channel", "category", "tier", "seconds", "max", "version")
    for one in found:
        limit = one["limit"]
        names = limit["channel"] or ALL_CHANNELS, limit["category"] or "all", limit["tier"] or "all"
        table.add_row(*names, str(limit["window_seconds"]), str(limit["max_count"]), str(one["version"]))
    return table if found else "no rate limits"


def _format_versions(versions: list[JsonObject]) -> RenderableType:
    table = build_table("version", "at", "by", "max", "comment")
    for one in versions:
        count = "deleted" if one["max_count"] is None else str(one["max_count"])
        table.add_row(str(one["version"]), format_datetime(one["changed_at"]), one["actor"], count, one["comment"])
    return table
