"""`herold tables`: rows of a worker's table, over its web view."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import ApiClient
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import EXIT_NOT_FOUND, CommandError
from app.cli.output import json_option, print_result
from app.topology import TOPOLOGY

ROLES_BY_TABLE = {name: [stage.role for stage in TOPOLOGY if name in stage.table_ttls] for stage in TOPOLOGY for name in stage.table_ttls}


@click.group()
def tables() -> None:
    """Look into the tables of the workers.

    \b
    herold tables get idempotency u-42 my-key
    """


@tables.command()
@click.argument("table", type=click.Choice(sorted(ROLES_BY_TABLE)))
@click.argument("user")
@click.argument("key", default="")
@click.option("--worker", help="Web address of a worker of the role; it asks the right one itself.")
@click.option("--token", envvar="HEROLD_WORKER_WEB_TOKEN", show_envvar=True, help="The token of the workers' web views.")
@json_option
def get(table: str, user: str, key: str, worker: str | None, token: str | None, as_json: bool) -> None:
    """Show the row of a user: in idempotency by KEY or notification id, in attempts by delivery id, in rate_windows without a key.

    \b
    herold tables get idempotency u-42 my-key
    herold tables get rate_windows u-42
    herold tables get attempts u-42 dlv_0199c82cc00070008000000000000001
    """
    place = load_connection_profile()
    token = token or place.web_token
    if not token:
        raise CommandError("no token of the web views is known", "set HEROLD_WORKER_WEB_TOKEN, or start the stack with `make run`")
    path = "/".join(["/tables", table, *(quote(part, safe="") for part in (user, key) if part)])
    print_result(_get_first_row(_find_worker_urls(place, table, worker), path, token), as_json, _format_row)


def _find_worker_urls(place: ConnectionProfile, table: str, worker: str | None) -> list[str]:
    """One worker of each role that has the table: workers of a role find each other."""
    known = [worker] if worker else [place.worker_urls[role][0] for role in ROLES_BY_TABLE[table] if place.worker_urls.get(role)]
    if not known:
        roles = " or ".join(ROLES_BY_TABLE[table])
        advice = f"is `make run` running? Else name a worker of {roles} with --worker URL"
        raise CommandError(f"no worker with the table {table} is known", advice)
    return known


def _get_first_row(workers: list[str], path: str, token: str) -> Any:
    """The first row that one of the workers has."""
    missing = CommandError("no such row", exit_code=EXIT_NOT_FOUND)
    for url in workers:
        try:
            return ApiClient(url, "the worker", {"authorization": f"Bearer {token}"}).get(path)
        except CommandError as failure:
            if failure.exit_code != EXIT_NOT_FOUND:
                raise
            missing = CommandError(failure.message, "rows live 24 h (idempotency, rate_windows) or 3 days (attempts)", EXIT_NOT_FOUND)
    raise missing


def _format_row(found: Mapping[str, Any]) -> RenderableType:
    return formatting.build_key_value_table(
        {name: formatting.format_fields(value) if isinstance(value, Mapping) else str(value) for name, value in found.items()}
    )
