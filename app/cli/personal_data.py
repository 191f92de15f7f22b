"""`herold users erase`, `erasures` and `reapply-erasures`, and the export of one user."""

import time
from pathlib import Path
from typing import Any

import click
import msgspec

from app.cli.api_client import ApiClient, load_operator_client
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.user_paths import build_user_path
from app.ordered_ids import OrderedIds
from schemas.erasures import Erasure
from tables.postgres.database import open_database
from tables.postgres.erasures import ErasureStore

PAGE = 500


def export_user(client: ApiClient, user_id: str, output: Path | None) -> None:
    """Write all that is stored of a user as JSON."""
    text = msgspec.json.format(msgspec.json.encode(client.get(build_user_path(user_id, "export"))), indent=2)
    if output is None:
        click.echo(text)
    else:
        output.touch(0o600)
        output.write_bytes(text + b"\n")


@click.command()
@click.argument("user_id", metavar="USER")
@click.option("--reason", default="", help="For the erasure log; without personal data.")
@click.confirmation_option(prompt="Erase the user for good?")
@add_gateway_options
@json_option
def erase(user_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Destroy the keys of a user and delete what is stored; of suppressed addresses a hash stays.

    What was sealed in Kafka, in the tables of workers and in backups can never be opened again. A worker may still use a
    key that it has, for a minute at most.

    \b
    herold users erase u-42 --reason "request 4711" --yes
    """
    erasure = load_operator_client(url, api_key).post(build_user_path(user_id, "erasure"), {"reason": reason})
    print_result(erasure, as_json, _format_erasure)


@click.command()
def erasures() -> None:
    """Print the erasure log as JSON, a line for each erasure, oldest first. Keep a copy outside of the database.

    \b
    herold users erasures > erasures.jsonl
    """
    url = load_connection_profile().postgres.url
    for erasure in run_query(url, _list_erasures(url)):
        click.echo(msgspec.json.encode(erasure))


@click.command("reapply-erasures")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@add_gateway_options
@json_option
def reapply_erasures(file: Path, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Erase again who is in the erasure log of FILE, after the database was restored from a backup that is older.

    \b
    herold users reapply-erasures erasures.jsonl
    """
    try:
        logged = msgspec.json.Decoder(Erasure).decode_lines(file.read_bytes())
    except msgspec.DecodeError as error:
        raise CommandError(f"{file}: {error}", "it must be what `herold users erasures` prints") from None
    client, user_ids = load_operator_client(url, api_key), list(dict.fromkeys(one.user_id for one in logged))
    for user_id in user_ids:
        client.post(build_user_path(user_id, "erasure"), {"reason": "again after a restore"})
    print_result({"erased": len(user_ids)}, as_json, lambda result: f"{result['erased']} users are erased")


async def _list_erasures(url: str) -> list[Erasure]:
    found: list[Erasure] = []
    async with open_database(url) as database:
        store = ErasureStore(database, OrderedIds(time.time, lambda: 0), None)
        while page := await store.list_erasures(PAGE, found[-1].id if found else ""):
            found += page
    return found


def _format_erasure(erasure: JsonObject) -> str:
    counts: dict[str, Any] = erasure["counts"]
    gone = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    return f"{erasure['user_id']} is erased: {gone or 'nothing was stored'}"
