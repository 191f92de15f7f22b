"""`herold db`: the database's schema and the partitions of history."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
import msgspec
from rich.console import RenderableType

from app import database
from app.cli import views
from app.cli.failures import FAILED, Failure, unreachable
from app.cli.place import find_place
from app.cli.screen import json_option, progress_console, show
from schemas.errors import HeroldError, Unavailable
from tables.postgres.partitions import drop_partitions, ensure_partitions
from tables.postgres.pool import Database

T = TypeVar("T")
DAYS_AHEAD = 7


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
    place = find_place()
    dsn = place.database
    with progress_console().status("upgrading", spinner="dots"):
        revision = _run(dsn, database.upgrade(dsn, time.time(), sample_users, place.twins))
    show({"revision": revision}, as_json, lambda found: f"the schema is at revision {found['revision']}")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Tell whether schema and partitions are as they should be; exit code 1 if not.

    \b
    herold db check
    """
    dsn = find_place().database
    health = _run(dsn, database.check(dsn, time.time()))
    show({**msgspec.to_builtins(health), "problems": health.problems}, as_json, _health)
    if health.problems:
        raise SystemExit(FAILED)


@db.command()
@json_option
def partitions(as_json: bool) -> None:
    """Make the coming days' partitions of history and drop those that are older than postgres.keep_days.

    \b
    herold db partitions
    """
    place = find_place()
    _run(place.database, _tend(place.database, place.settings.postgres.keep_days))
    health = _run(place.database, database.check(place.database, time.time()))
    show({"days_ahead": health.days_ahead, "strays": health.strays}, as_json, _partitions)


async def _tend(dsn: str, keep: int) -> None:
    opened = Database(dsn, size=1)
    try:
        await ensure_partitions(opened, time.time(), DAYS_AHEAD)
        await drop_partitions(opened, time.time(), keep)
    finally:
        await opened.close()


def _run(dsn: str, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except Unavailable as error:
        raise unreachable("PostgreSQL", dsn.rpartition("@")[2], error) from None
    except HeroldError as error:
        raise Failure(str(error)) from None


def _health(found: dict[str, Any]) -> RenderableType:
    revision = f"{found['revision'] or 'none'} of {found['newest']}"
    made = views.pairs({"revision": revision, "days ahead": str(found["days_ahead"]), "strays": str(found["strays"])})
    for problem in found["problems"]:
        made.add_row("problem", problem)
    return made


def _partitions(found: dict[str, Any]) -> RenderableType:
    return f"partitions for {found['days_ahead']} days ahead; {found['strays']} rows outside of all days"
