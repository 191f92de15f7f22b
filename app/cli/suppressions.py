"""`herold suppressions`: lists, creates, shows, undoes and synchronises suppressions."""

import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from agents.callbacks.suppression_sync import SyncEvent
from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.encryption.sealers import build_column_sealing
from app.suppression_sync import SuppressionSyncJob
from schemas.channels import CHANNEL_NAMES
from schemas.errors import UnavailableError
from schemas.suppression_sync import SyncDelay, SyncedList
from tables.postgres.database import open_database
from tables.redis.client import RedisClient
from tables.redis.profile_cache import forget

SUPPRESSIONS_PATH = "/v1/suppressions"
REASONS = ("hard_bounce", "complaint", "stop", "manual")


@click.group()
def suppressions() -> None:
    """List and change the addresses and users that nothing is sent to.

    \b
    herold suppressions add --channel email --address ada@example.org --reason complaint
    """


@suppressions.command("list")
@click.option("--search", help="A whole address, in any spelling.")
@click.option("--user", "user_id", help="Only those of this user.")
@click.option("--channel", type=click.Choice(CHANNEL_NAMES), help="Only those on this channel.")
@click.option("--undone", is_flag=True, help="Also those that are undone.")
@add_page_options
@add_gateway_options
@json_option
def list_suppressions(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List suppressions, newest first.

    \b
    herold suppressions list --search ada@example.org --undone
    """
    print_result(load_gateway_client(url, api_key).get(SUPPRESSIONS_PATH, **select_given(**options)), as_json, _format_suppressions)


@suppressions.command()
@click.option("--channel", required=True, type=click.Choice(CHANNEL_NAMES))
@click.option("--address", help="Default: every address of the user on the channel.")
@click.option("--user", "user_id", help="Default: whoever has the address.")
@click.option("--category", help="Default: all categories.")
@click.option("--reason", default="manual", show_default=True, type=click.Choice(REASONS))
@click.option("--source-event", help="The id of the bounce, complaint or message that it comes from.")
@add_gateway_options
@json_option
def add(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Suppress an address, or a user on a channel.

    \b
    herold suppressions add --channel sms --user u-42
    """
    added = load_operator_client(url, api_key).change("POST", SUPPRESSIONS_PATH, select_given(**options))
    print_result(added, as_json, _format_suppression)


@suppressions.command()
@click.argument("suppression_id", metavar="ID")
@add_gateway_options
@json_option
def show(suppression_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a suppression.

    \b
    herold suppressions show sup_0199c82cc00070008000000000000001
    """
    found = load_gateway_client(url, api_key).get(f"{SUPPRESSIONS_PATH}/{quote(suppression_id, safe='')}")
    print_result(found, as_json, _format_suppression)


@suppressions.command()
@click.argument("suppression_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the history.")
@add_gateway_options
@json_option
def undo(suppression_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Undo a suppression; it stays in the list with who undid it.

    \b
    herold suppressions undo sup_0199c82cc00070008000000000000001 --reason "a mistake"
    """
    undone = load_operator_client(url, api_key).delete(f"{SUPPRESSIONS_PATH}/{quote(suppression_id, safe='')}", reason=reason)
    print_result(undone, as_json, _format_suppression)


@suppressions.command()
@json_option
def sync(as_json: bool) -> None:
    """Take what each account of SendGrid has suppressed and Herold has not, now and not in an hour.

    \b
    herold suppressions sync
    """
    profile = load_connection_profile()
    if not profile.sendgrid:
        raise CommandError("providers.sendgrid.api_key is empty", "set HEROLD_PROVIDERS_SENDGRID_API_KEY; the key needs suppression.read")
    lists = run_query(profile.postgres.url, _sync(profile))
    print_result({"lists": [one._asdict() for one in lists]}, as_json, _format_lists)


async def _sync(profile: ConnectionProfile) -> list[SyncedList]:
    """The lists that were read. Raises CommandError for one that cannot be."""
    events: list[SyncEvent] = []
    redis = RedisClient(profile.redis.url, time.monotonic, profile.kafka.topic_prefix, profile.redis.socket_timeout)

    async def evict(user_ids: Collection[str]) -> None:
        with suppress(UnavailableError):  # the change is noticed when the profile is confirmed
            await forget(redis, user_ids)

    async with open_database(profile.postgres.url, sealing=build_column_sealing(profile.encryption)) as database:
        try:
            for name, section in profile.sendgrid.items():
                job = SuppressionSyncJob(name, section, database, evict, events.append)
                try:
                    await job.sync.run_if_due(interval=0.0)
                finally:
                    await job.close()
        finally:
            await redis.close()
    if problems := [event.cause for event in events if isinstance(event, SyncDelay)]:
        raise CommandError(problems[0])
    return [event for event in events if isinstance(event, SyncedList)]


def _format_lists(result: JsonObject) -> RenderableType:
    table = formatting.build_table("account", "list", "read", "new")
    for one in result["lists"]:
        table.add_row(one["account"], one["name"], str(one["read"]), str(one["added"]))
    return table


def _format_suppressions(page: JsonObject) -> RenderableType:
    table = formatting.build_table("suppression", "channel", "address", "user", "category", "reason", "created", "state")
    for one in page["items"]:
        table.add_row(
            one["id"],
            one["channel"],
            one["address"] or "all",
            one["user_id"] or "any",
            one["category"] or "all",
            one["reason"],
            formatting.format_datetime(one["created_at"]),
            "undone" if one["undone_at"] else "in force",
        )
    return format_page(table, page)


def _format_suppression(one: JsonObject) -> RenderableType:
    return formatting.build_key_value_table(
        {
            "suppression": one["id"],
            "channel": one["channel"],
            "address": one["address"] or "all of the user",
            "user": one["user_id"] or "whoever has the address",
            "category": one["category"] or "all",
            "reason": one["reason"],
            "source event": one["source_event"],
            "created": f"{formatting.format_datetime(one['created_at'])} by {one['created_by']}",
            "undone": f"{formatting.format_datetime(one['undone_at'])} by {one['undone_by']}" if one["undone_at"] else "",
        }
    )
