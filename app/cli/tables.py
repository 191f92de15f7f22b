"""`herold tables`: rows of a worker's table, over its web view."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import views
from app.cli.api import Api
from app.cli.failures import NOT_FOUND, Failure
from app.cli.place import Place, find_place
from app.cli.screen import json_option, show
from app.topology import PIPELINE

ROLES = {name: [stage.role for stage in PIPELINE if name in stage.tables] for stage in PIPELINE for name in stage.tables}


@click.group()
def tables() -> None:
    """Look into the tables of the workers.

    \b
    herold tables get idempotency u-42 my-key
    """


@tables.command()
@click.argument("table", type=click.Choice(sorted(ROLES)))
@click.argument("user")
@click.argument("key", default="")
@click.option("--worker", help="Web address of a worker of the role; it asks the right one itself.")
@click.option("--token", envvar="HEROLD_STREAMING_WEB_TOKEN", show_envvar=True, help="The token of the workers' web views.")
@json_option
def get(table: str, user: str, key: str, worker: str | None, token: str | None, as_json: bool) -> None:
    """Show the row of a user: in idempotency by KEY or notification id, in attempts by delivery id, in rate_windows without a key.

    \b
    herold tables get idempotency u-42 my-key
    herold tables get rate_windows u-42
    herold tables get attempts u-42 dlv_0199c82cc00070008000000000000001
    """
    place = find_place()
    token = token or place.web_token
    if not token:
        raise Failure("no token of the web views is known", "set HEROLD_STREAMING_WEB_TOKEN, or start the stack with `make run`")
    path = "/".join(["/tables", table, *(quote(part, safe="") for part in (user, key) if part)])
    show(_found(_workers(place, table, worker), path, token), as_json, _row)


def _workers(place: Place, table: str, worker: str | None) -> list[str]:
    """One worker of each role that has the table: workers of a role find each other."""
    known = [worker] if worker else [place.workers[role][0] for role in ROLES[table] if place.workers.get(role)]
    if not known:
        roles = " or ".join(ROLES[table])
        advice = f"is `make run` running? Else name a worker of {roles} with --worker URL"
        raise Failure(f"no worker with the table {table} is known", advice)
    return known


def _found(workers: list[str], path: str, token: str) -> Any:
    """The first row that one of the workers has."""
    missing = Failure("no such row", exit_code=NOT_FOUND)
    for url in workers:
        try:
            return Api(url, "the worker", {"authorization": f"Bearer {token}"}).get(path)
        except Failure as failure:
            if failure.exit_code != NOT_FOUND:
                raise
            missing = Failure(failure.message, "rows live 24 h (idempotency, rate_windows) or 3 days (attempts)", NOT_FOUND)
    raise missing


def _row(found: Mapping[str, Any]) -> RenderableType:
    return views.pairs({name: views.inputs(value) if isinstance(value, Mapping) else str(value) for name, value in found.items()})
