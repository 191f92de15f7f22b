"""`herold audit`: lists the log of changes, shows the heads of the logs, and verifies their hash chains."""

from typing import Any

import click
import msgspec
from rich.console import RenderableType

from app.admin.log_verification import KnownHead, VerifiedLog, verify_log
from app.checkpoint_keys import build_checkpoint_keys
from app.cli import formatting
from app.cli.api_client import load_gateway_client
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.dead_letter_filters import PastTime
from app.cli.errors import EXIT_FAILED, CommandError, run_query
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from schemas.errors import SettingError
from schemas.log_chain import LOG_NAMES
from tables.postgres.database import open_database

AUDIT_PATH = "/v1/audit"
HEAD_FORMAT = "LOG:NUMBER:HASH, as `herold audit head` prints it"
VERIFY_TIMEOUT = 600.0  # seconds of one query; the last one looks at every entry
HASH_BYTES = 32


@click.group()
def audit() -> None:
    """Show who changed what, and verify that nobody changed the record of it.

    \b
    herold audit list --object-type rule
    herold audit verify
    """


@audit.command("list")
@click.option("--actor", help="Only what this actor did.")
@click.option("--principal", help="Only what this account or key did, such as key:Q3xT9aLm.")
@click.option("--action", help="Only this action, such as rule.changed.")
@click.option("--object-type", help="Only about this type of object, such as user.")
@click.option("--object-id", help="Only about the object with this id.")
@click.option("--since", type=PastTime(), help="Only from this time on; -1h is an hour ago.")
@click.option("--until", type=PastTime(), help="Only before this time.")
@add_page_options
@add_gateway_options
@json_option
def list_entries(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List changes, newest first.

    \b
    herold audit list --actor ada --since -1h
    """
    print_result(load_gateway_client(url, api_key).get(AUDIT_PATH, **select_given(**options)), as_json, _format_entries)


@audit.command()
@add_gateway_options
@json_option
def head(url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show the heads of the logs. Keep them elsewhere: `herold audit verify --head` finds later if a log was cut or replaced.

    \b
    herold audit head
    """
    print_result(load_gateway_client(url, api_key).get(f"{AUDIT_PATH}/head"), as_json, _format_heads)


@audit.command()
@click.option("--log", "logs", type=click.Choice(LOG_NAMES), multiple=True, help="Only this log. Default: both.")
@click.option("--head", "heads", multiple=True, metavar="LOG:NUMBER:HASH", help="A head that was noted before. Repeatable.")
@json_option
def verify(logs: tuple[str, ...], heads: tuple[str, ...], as_json: bool) -> None:
    """Verify every entry of the logs in the database; the exit code is 1 if one was changed, removed, inserted or moved.

    \b
    herold audit verify
    """
    profile, known = load_connection_profile(), dict(map(parse_head, heads))
    results = [_verify(profile, log, known.get(log)) for log in logs or LOG_NAMES]
    print_result({"logs": msgspec.to_builtins(results)}, as_json, _format_results)
    if any(result.problem for result in results):
        raise SystemExit(EXIT_FAILED)


def parse_head(text: str) -> tuple[str, KnownHead]:
    """The log, number and hash in an option. Raises BadParameter for another text."""
    log, _, rest = text.partition(":")
    number, _, digits = rest.partition(":")
    try:
        chain_hash = bytes.fromhex(digits)
        known = KnownHead(int(number), chain_hash)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not {HEAD_FORMAT}") from None
    if log not in LOG_NAMES or len(chain_hash) != HASH_BYTES or known.number < 1:
        raise click.BadParameter(f"{text!r} is not {HEAD_FORMAT}")
    return log, known


def _verify(profile: ConnectionProfile, log: Any, known: KnownHead | None) -> VerifiedLog:
    try:
        keys = build_checkpoint_keys(profile.audit_signing_key)
    except SettingError as error:
        raise CommandError(str(error), "correct HEROLD_AUDIT_SIGNING_KEY") from None

    async def run() -> VerifiedLog:
        async with open_database(profile.postgres.url, VERIFY_TIMEOUT) as database:
            return await verify_log(database, log, keys, known)

    return run_query(profile.postgres.url, run())


def _format_results(body: JsonObject) -> RenderableType:
    table = formatting.build_table("log", "entries", "signed up to", "erased", "waiting", "result")
    for one in body["logs"]:
        counts = (str(one[name]) for name in ("entries", "signed", "erased", "unlinked"))
        table.add_row(one["log"], *counts, one["problem"] or "unchanged")
    return table


def _format_heads(body: JsonObject) -> RenderableType:
    table = formatting.build_table("head", "waiting", "signed up to")
    for one in body["logs"]:
        signed = str(one["checkpoint"]["number"]) if one["checkpoint"] else "nothing"
        table.add_row(f"{one['log']}:{one['number']}:{one['hash']}", str(one["unlinked"]), signed)
    return table


def _format_entries(page: JsonObject) -> RenderableType:
    table = formatting.build_table("time", "actor", "principal", "action", "object", "from", "details")
    for one in page["items"]:
        table.add_row(
            formatting.format_datetime(one["occurred_at"]),
            one["actor"],
            one["principal"],
            one["action"],
            f"{one['object_type']} {one['object_id']}",
            one["client_address"],
            msgspec.json.encode(one["details"]).decode(),
        )
    return format_page(table, page)
