"""`herold consent`: makes proofs of a user's consent, and verifies them."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_operator_client
from app.cli.errors import EXIT_FAILED, CommandError
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.user_paths import build_user_path
from schemas.consent_proof import find_proof_problem

KEY_BYTES = 32
OWN_WORD = "valid, if the public key is Herold's: compare it with the one that you got from another source, or give it with --public-key"


@click.group()
def consent() -> None:
    """Prove what a user consented to, and verify such a proof.

    \b
    herold consent proof u-42 --output proof.json
    herold consent verify proof.json
    """


@consent.command()
@click.argument("user_id", metavar="USER")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file for the proof. Default: it is printed.")
@add_gateway_options
def proof(user_id: str, output: Path | None, url: str | None, api_key: str | None) -> None:
    """Make a signed proof of a user's events of consent, with the deliveries that they allowed. It contains addresses.

    \b
    herold consent proof u-42 --output proof.json
    """
    made = load_operator_client(url, api_key).get(build_user_path(user_id, "consent-proof"))
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.touch(mode=0o600)
        output.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"{len(made['entries'])} events of consent and {len(made['deliveries'])} deliveries are in {output}", err=True)


@consent.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-key", default="", help="The key that you trust, in base64, as GET /v1/audit/head shows it.")
@json_option
def verify(file: Path, public_key: str, as_json: bool) -> None:
    """Verify a proof; the exit code is 1 if anything in it is not what was signed. docs/consent_proof.py does it without Herold.

    \b
    herold consent verify proof.json
    """
    content = _read_proof(file)
    problem = find_proof_problem(content, _parse_key(public_key) if public_key else None)
    print_result({"problem": problem, "is_key_trusted": bool(public_key), "proof": content}, as_json, _format_result)
    if problem:
        raise SystemExit(EXIT_FAILED)


def _read_proof(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {type(error).__name__}") from None


def _parse_key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise click.BadParameter("must be the base64 of 32 bytes", param_hint="--public-key")
    return key


def _format_result(result: JsonObject) -> RenderableType:
    if result["problem"]:
        return formatting.build_key_value_table({"result": f"not valid: {result['problem']}"})
    proof = result["proof"]
    used: dict[str, int] = {}
    for delivery in proof["deliveries"]:
        used[delivery["consent_event_id"]] = used.get(delivery["consent_event_id"], 0) + 1
    table = formatting.build_table("entry", "time", "change", "category", "channel", "choice", "source", "actor", "deliveries")
    for entry in proof["entries"]:
        fields = entry["fields"]
        table.add_row(
            str(entry["number"]),
            datetime.fromtimestamp(int(fields["occurred_at"]) / 1e6, UTC).isoformat(timespec="seconds"),
            fields["change"],
            fields["category"] or "all",
            fields["channel"] or "all",
            fields["new_choice"],
            fields["source"],
            fields["actor"],
            str(used.get(f"cev_{fields['id']}", 0)),
        )
    table.caption = "valid" if result["is_key_trusted"] else f"{OWN_WORD}: {proof['public_keys'][proof['key_id']]}"
    return table
