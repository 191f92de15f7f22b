"""`herold db`: the database's schema and the partitions of history."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
import msgspec
from rich.console import RenderableType

from app.admin import database
from app.cli import formatting
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_FAILED, CommandError, build_unreachable_error
from app.cli.output import build_progress_console, json_option, print_result
from schemas.errors import HeroldError, UnavailableError
from tables.postgres.database import Database
from tables.postgres.partitions import drop_expired_partitions, ensure_partitions

T = TypeVar("T")
PARTITION_DAYS_AHEAD = 7


@click.group()
def db() -> None:
    """Upgrade and check the database.

    \b
    herold db upgrade
    """


@db.command()
@click.option("--sample-users/--no-sample-users", default=False, help="Plant the users of the sample shop too.")
@json_option
def upgrade(sample_users: bool, as_json: bool) -> None:
    """Bring the schema to this release, make partitions ahead, plant missing rules and templates.

    \b
    herold db upgrade
    """
    place = load_connection_profile()
    dsn = place.database_url
    with build_progress_console().status("upgrading", spinner="dots"):
        revision = _run_query(dsn, database.upgrade_database(dsn, time.time(), sample_users, place.simulators_url))
    print_result({"revision": revision}, as_json, lambda found: f"the schema is at revision {found['revision']}")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Tell whether schema and partitions are as they should be; exit code 1 if not.

    \b
    herold db check
    """
    dsn = load_connection_profile().database_url
    health = _run_query(dsn, database.check_database(dsn, time.time()))
    print_result({**msgspec.to_builtins(health), "problems": health.problems}, as_json, _format_health)
    if health.problems:
        raise SystemExit(EXIT_FAILED)


@db.command()
@json_option
def maintain_partitions(as_json: bool) -> None:
    """Make the coming days' partitions of history and drop those that are older than postgres.retention_days.

    \b
    herold db maintain-partitions
    """
    place = load_connection_profile()
    _run_query(place.database_url, _maintain_partitions(place.database_url, place.settings.postgres.retention_days))
    health = _run_query(place.database_url, database.check_database(place.database_url, time.time()))
    print_result(
        {"partition_days_ahead": health.partition_days_ahead, "default_partition_rows": health.default_partition_rows},
        as_json,
        _format_partitions,
    )


async def _maintain_partitions(database_url: str, retention_days: int) -> None:
    opened = Database(database_url, size=1)
    try:
        await ensure_partitions(opened, time.time(), PARTITION_DAYS_AHEAD)
        await drop_expired_partitions(opened, time.time(), retention_days)
    finally:
        await opened.close()


def _run_query(database_url: str, query: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(query)
    except UnavailableError as error:
        raise build_unreachable_error("PostgreSQL", database_url.rpartition("@")[2], error) from None
    except HeroldError as error:
        raise CommandError(str(error)) from None


def _format_health(found: dict[str, Any]) -> RenderableType:
    revision = f"{found['revision'] or 'none'} of {found['head_revision']}"
    made = formatting.build_key_value_table(
        {
            "revision": revision,
            "days ahead": str(found["partition_days_ahead"]),
            "default partition rows": str(found["default_partition_rows"]),
        }
    )
    for problem in found["problems"]:
        made.add_row("problem", problem)
    return made


def _format_partitions(found: dict[str, Any]) -> RenderableType:
    return f"partitions for {found['partition_days_ahead']} days ahead; {found['default_partition_rows']} rows outside of all days"
