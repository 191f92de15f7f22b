"""`herold tables`: reads rows of the workers' tables over their web views."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import ApiClient
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import EXIT_NOT_FOUND, CommandError
from app.cli.output import JsonValue, json_option, print_result
from app.topology import TOPOLOGY

TTLS = {table: ttl for spec in TOPOLOGY for table, ttl in spec.table_ttls.items()}  # seconds
ROLES_BY_TABLE = {table: [spec.role for spec in TOPOLOGY if table in spec.table_ttls] for table in TTLS}


@click.group()
def tables() -> None:
    """Read the tables of the workers.

    \b
    herold tables get idempotency u-42 my-key
    """


@tables.command()
@click.argument("table", type=click.Choice(sorted(ROLES_BY_TABLE)))
@click.argument("user")
@click.argument("key", default="")
@click.option("--worker", help="Web address of any worker of the role; it forwards the request to the worker of the partition.")
@click.option("--token", envvar="HEROLD_WORKER_WEB_TOKEN", show_envvar=True, help="The token of the web views.")
@json_option
def get(table: str, user: str, key: str, worker: str | None, token: str | None, as_json: bool) -> None:
    """Show a row. KEY is an idempotency key or notification id (idempotency), a delivery id (attempts), either id (due),
    the id of a webhook endpoint (endpoint_order), or a category or absent (rate_windows).

    \b
    herold tables get idempotency u-42 my-key
    herold tables get rate_windows u-42
    herold tables get due u-42 ntf_0199c82cc00070008000000000000001
    herold tables get attempts u-42 dlv_0199c82cc00070008000000000000001
    """
    profile = load_connection_profile()
    token = token or profile.web_token
    if not token:
        raise CommandError("no token of the web views is set", "set HEROLD_WORKER_WEB_TOKEN, or start the stack with `make run`")
    path = "/".join(["/tables", table, *(quote(part, safe="") for part in (user, key) if part)])
    print_result(_find_row(_find_worker_urls(profile, table, worker), table, path, token, profile.worker_ca_file), as_json, _format_row)


def _find_worker_urls(profile: ConnectionProfile, table: str, worker: str | None) -> list[str]:
    """One worker of each role that has the table; it forwards the request to the worker of the partition."""
    urls = [worker] if worker else [profile.worker_urls[role][0] for role in ROLES_BY_TABLE[table] if profile.worker_urls.get(role)]
    if not urls:
        advice = f"start the stack with `make run`, or set --worker to the web address of a worker of {' or '.join(ROLES_BY_TABLE[table])}"
        raise CommandError(f"no worker with the table {table} is known", advice)
    return urls


def _find_row(worker_urls: list[str], table: str, path: str, token: str, ca_file: str) -> JsonValue:
    """The row of the first worker that has it. Raises CommandError if none has it."""
    message = ""
    for url in worker_urls:
        try:
            return ApiClient(url, "the worker", {"authorization": f"Bearer {token}"}, ca_file).get(path)
        except CommandError as error:
            if error.exit_code != EXIT_NOT_FOUND:
                raise
            message = error.message
    ttl = TTLS[table]
    advice = f"rows of {table} expire after {ttl // 3600} h" if ttl else f"rows of {table} are removed when their entry is released"
    raise CommandError(message, advice, EXIT_NOT_FOUND)


def _format_row(row: Mapping[str, Any]) -> RenderableType:
    return formatting.build_key_value_table(
        {name: formatting.format_fields(value) if isinstance(value, Mapping) else str(value) for name, value in row.items()}
    )
