"""`herold policy`: changes and prints the rules, templates and rate limits in PostgreSQL."""

from pathlib import Path

import click
import msgspec

from app.admin.policy import apply_document, format_document, load_document, parse_document
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.origin import build_origin
from app.cli.output import JsonObject, json_option, print_result
from schemas.errors import PolicyDocumentError

INVALID_ADVICE = "nothing was changed; `herold policy show` prints the current policy in the same form"


@click.group()
def policy() -> None:
    """Change and print rules, templates and rate limits.

    \b
    herold policy apply policy.yml
    """


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Validate the file and show what would change.")
@json_option
def apply(file: Path, dry_run: bool, as_json: bool) -> None:
    """Add and change the rules, templates and rate limits of FILE; those that it does not name stay.

    Nothing is changed if anything in the file is invalid. A template in the file replaces all channels and locales of its name, as a new
    version. Routers and gateways use the change after router.policy_refresh_interval.

    \b
    herold policy apply policy.yml --dry-run
    """
    url = load_connection_profile().postgres.url
    try:
        document = parse_document(file.read_bytes())
        changes = run_query(url, apply_document(url, document, build_origin("", ""), dry_run))
    except PolicyDocumentError as error:
        raise CommandError(f"{file}: {error}", INVALID_ADVICE) from None
    print_result(msgspec.to_builtins(changes), as_json, _format_changes)
    if dry_run:
        click.echo("nothing was changed: this was a dry run", err=True)


@policy.command()
@json_option
def show(as_json: bool) -> None:
    """Print the current rules, templates and rate limits as a file for `herold policy apply`.

    \b
    herold policy show > policy.yml
    """
    url = load_connection_profile().postgres.url
    document = run_query(url, load_document(url))
    if as_json:
        print_result(msgspec.to_builtins(document), as_json, str)
    else:
        click.echo(format_document(document), nl=False)


def _format_changes(changes: list[JsonObject]) -> str:
    return "\n".join(_format_change(change) for change in changes) or "no changes"


def _format_change(change: JsonObject) -> str:
    version = f", version {change['version']}" if change["version"] else ""
    return f"{change['kind'].replace('_', ' ')} {change['name']}: {change['change']}{version}"
