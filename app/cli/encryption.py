"""`herold encryption`: the keys that seal personal data."""

import os
from base64 import b64encode
from collections.abc import Awaitable, Callable

import click
from rich.console import RenderableType
from rich.status import Status

from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.formatting import build_table
from app.cli.output import JsonObject, build_progress_console, json_option, print_result
from app.encryption.outer_keys import build_outer_keys
from app.encryption.sealers import build_column_sealing
from schemas.errors import SealError, SettingError
from schemas.sealing import KEY_BYTES, OuterKeys
from tables.postgres.database import open_database
from tables.postgres.sealing_backlog import SealedPage, SealingBacklog
from tables.postgres.user_keys import PostgresUserKeys

PAGE = 500  # keys that one statement wraps anew
NO_KEYS_ADVICE = "set encryption.keys or encryption.keys_file; `herold encryption key` prints a new key"


@click.group()
def encryption() -> None:
    """Make, look at and rotate the keys that seal addresses and contents, and seal what is stored.

    \b
    herold encryption status
    """


@encryption.command()
@click.argument("key_id")
def key(key_id: str) -> None:
    """Print a new outer key with this id, as encryption.keys and encryption.keys_file have it.

    \b
    herold encryption key 2026-12 > outer-keys
    """
    click.echo(f"{key_id}={b64encode(os.urandom(KEY_BYTES)).decode()}")


@encryption.command()
@json_option
def status(as_json: bool) -> None:
    """Show how many keys of users each outer key wraps, and whether the settings have it.

    \b
    herold encryption status
    """

    async def read(keys: PostgresUserKeys, outer_keys: OuterKeys) -> JsonObject:
        counts = [
            {"outer_key": one.outer_key_id, "is_configured": one.outer_key_id in outer_keys, "users_keys": one.kept, "erased": one.erased}
            for one in await keys.count()
        ]
        return {"wraps": outer_keys.current_id, "is_enabled": load_connection_profile().encryption.enabled, "outer_keys": counts}

    print_result(_run(read), as_json, _format_status)


@encryption.command()
@json_option
def rotate(as_json: bool) -> None:
    """Wrap all keys of users with the first outer key of the settings; what they sealed stays as it is.

    It goes on where it was interrupted, while notifications flow. Every process must have both outer keys before; the
    old one can be removed when `herold encryption status` shows that it wraps nothing.

    \b
    herold encryption rotate
    """

    async def wrap(keys: PostgresUserKeys, outer_keys: OuterKeys) -> JsonObject:
        total = 0
        with build_progress_console().status("wrapping", spinner="dots") as progress:
            while count := await keys.wrap_next(PAGE):
                total += count
                progress.update(f"wrapped {total} keys")
        return {"wraps": outer_keys.current_id, "wrapped": total}

    print_result(_run(wrap), as_json, lambda result: f"wrapped {result['wrapped']} keys of users with the outer key {result['wraps']}")


@encryption.command()
@json_option
def seal(as_json: bool) -> None:
    """Seal the users, devices and suppressions that were stored before sealing was switched on.

    It goes on where it was interrupted, while notifications flow. Projects that say that they are not sealed are left
    out. Every process must run a release with the same keys before.

    \b
    herold encryption seal
    """
    profile = load_connection_profile()
    print_result(run_query(profile.postgres.url, _seal(profile)), as_json, _format_sealed)


async def _seal(profile: ConnectionProfile) -> JsonObject:
    try:
        sealing = build_column_sealing(profile.encryption)
    except SettingError as error:
        raise CommandError(str(error), "correct the variable or the line in faust.yml") from None
    if sealing is None:
        raise CommandError("the settings have no outer keys", NO_KEYS_ADVICE)
    async with open_database(profile.postgres.url, sealing=sealing) as database:
        backlog = SealingBacklog(database, PAGE)
        with build_progress_console().status("sealing", spinner="dots") as progress:
            return {
                "users": await _seal_pages(backlog.seal_users, "users", progress),
                "devices": await _seal_pages(backlog.seal_devices, "devices", progress),
                "suppressions": await _seal_pages(backlog.seal_suppressions, "suppressions", progress),
            }


async def _seal_pages(seal_page: Callable[..., Awaitable[SealedPage]], name: str, progress: Status) -> int:
    page = await seal_page()
    total = page.sealed
    while page.next_key is not None:
        page = await seal_page(page.next_key)
        total += page.sealed
        progress.update(f"sealed {total} {name}")
    return total


def _format_sealed(result: JsonObject) -> str:
    return f"sealed {result['users']} users, {result['devices']} devices and {result['suppressions']} suppressions"


def _run(call: Callable[[PostgresUserKeys, OuterKeys], Awaitable[JsonObject]]) -> JsonObject:
    profile = load_connection_profile()
    try:
        outer_keys = build_outer_keys(profile.encryption)
    except SettingError as error:
        raise CommandError(str(error), "correct the variable or the line in faust.yml") from None
    if outer_keys is None:
        raise CommandError("the settings have no outer keys", NO_KEYS_ADVICE)

    async def run() -> JsonObject:
        async with open_database(profile.postgres.url) as database:
            return await call(PostgresUserKeys(database, outer_keys), outer_keys)

    try:
        return run_query(profile.postgres.url, run())
    except KeyError as error:
        raise CommandError(f"the outer key {error} wraps keys of users, and the settings do not have it", NO_KEYS_ADVICE) from None
    except SealError as error:
        raise CommandError(str(error), NO_KEYS_ADVICE) from None


def _format_status(status: JsonObject) -> RenderableType:
    table = build_table("outer key", "in the settings", "keys of users", "erased", title=f"{status['wraps']} wraps new keys")
    for one in status["outer_keys"]:
        is_configured = "yes" if one["is_configured"] else "no: what it wraps cannot be opened"
        table.add_row(one["outer_key"], is_configured, str(one["users_keys"]), str(one["erased"]))
    return table
