"""`herold signing-keys`: the file of the keys that sign access tokens (auth.signing_keys_file)."""

from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import RenderableType

from app.admin.signing_keys import (
    SigningKeyInfo,
    add_signing_key,
    create_signing_keys,
    list_signing_keys,
    remove_signing_key,
    rotate_signing_keys,
)
from app.cli import formatting
from app.cli.errors import CommandError
from app.cli.output import JsonObject, json_option, print_result
from schemas.errors import HeroldError

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group("signing-keys")
def signing_keys() -> None:
    """Make the file of the keys that sign access tokens, and rotate them. The first key signs, all verify.

    \b
    herold signing-keys rotate /etc/herold/access-token-keys.pem
    """


@signing_keys.command()
@file_argument
@json_option
def create(file: Path, as_json: bool) -> None:
    """Make FILE with one key.

    \b
    herold signing-keys create /etc/herold/access-token-keys.pem
    """
    _print(lambda: create_signing_keys(file), as_json)


@signing_keys.command("list")
@file_argument
@json_option
def list_keys(file: Path, as_json: bool) -> None:
    """List the keys of FILE by their names.

    \b
    herold signing-keys list /etc/herold/access-token-keys.pem
    """
    _print(lambda: list_signing_keys(file), as_json)


@signing_keys.command()
@file_argument
@json_option
def add(file: Path, as_json: bool) -> None:
    """Add a key that verifies and does not sign yet: for gateways that have copies of FILE, before it is rotated.

    \b
    herold signing-keys add /etc/herold/access-token-keys.pem
    """
    _print(lambda: add_signing_key(file), as_json)


@signing_keys.command()
@file_argument
@json_option
def rotate(file: Path, as_json: bool) -> None:
    """Let the last key of FILE sign, or a new one if there is only one. Gateways read FILE again within seconds.

    \b
    herold signing-keys rotate /etc/herold/access-token-keys.pem
    """
    _print(lambda: rotate_signing_keys(file), as_json)


@signing_keys.command()
@file_argument
@click.argument("kid")
@json_option
def remove(file: Path, kid: str, as_json: bool) -> None:
    """Remove the key KID; access tokens that it has signed end.

    \b
    herold signing-keys remove /etc/herold/access-token-keys.pem kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
    """
    _print(lambda: remove_signing_key(file, kid), as_json)


def _print(change: Callable[[], list[SigningKeyInfo]], as_json: bool) -> None:
    try:
        keys = change()
    except HeroldError as error:
        raise CommandError(str(error)) from None
    print_result(msgspec.to_builtins(keys), as_json, _format_keys)


def _format_keys(keys: list[JsonObject]) -> RenderableType:
    table = formatting.build_table("key", "use")
    for key in keys:
        table.add_row(key["kid"], "signs" if key["signs"] else "verifies")
    return table
