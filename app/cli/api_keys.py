"""`herold api-keys`: creates, lists, changes, rotates and revokes API keys."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.times import TIME_FORMATS, TimeParameter
from schemas.api_keys import DEFAULT_KEY_OVERLAP, MAX_KEY_OVERLAP
from schemas.permissions import Permission, Role

KEYS_PATH = "/v1/api-keys"
SCOPES = [permission.value for permission in Permission]
scope_option = click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    metavar="PERMISSION",
    help="Only this permission. Repeatable.",
)
expiry_option = click.option("--expires", "expires_at", type=TimeParameter(can_be_empty=True), help=f"When it ends: {TIME_FORMATS}.")


@click.group("api-keys")
def api_keys() -> None:
    """Create, list, change, rotate and revoke API keys.

    \b
    herold api-keys create shop --role service --scope notifications:send
    herold api-keys revoke k3v9x2ab --reason "it was in a log"
    """


@api_keys.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the key is for.")
@scope_option
@click.option("--test", "is_test", is_flag=True, help="A test key: what it sends reaches the simulators only.")
@expiry_option
@add_gateway_options
@json_option
def create(name: str, role: str, scopes: Sequence[str], url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Create a key, and print its text, which is shown only now.

    \b
    herold api-keys create shop --role service --scope notifications:send --expires +90d
    """
    body = {"name": name, "role": role, "scopes": list(scopes), **{key: value for key, value in options.items() if value}}
    print_result(load_operator_client(url, api_key).post(KEYS_PATH, body), as_json, format_key)


@api_keys.command("list")
@click.option("--search", help="Part of a name, or an id.")
@click.option("--ended", is_flag=True, help="Also those that are revoked or expired.")
@add_page_options
@add_gateway_options
@json_option
def list_keys(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List keys in the order of their names.

    \b
    herold api-keys list --search shop
    """
    print_result(load_gateway_client(url, api_key).get(KEYS_PATH, **select_given(**options)), as_json, _format_keys)


@api_keys.command()
@click.argument("key_id", metavar="ID")
@add_gateway_options
@json_option
def show(key_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a key.

    \b
    herold api-keys show k3v9x2ab
    """
    print_result(load_gateway_client(url, api_key).get(build_path(key_id)), as_json, format_key)


@api_keys.command()
@click.argument("key_id", metavar="ID")
@click.option("--name", help="The new name.")
@scope_option
@click.option("--all-scopes", is_flag=True, help="All permissions of its role again.")
@expiry_option
@add_gateway_options
@json_option
def change(
    key_id: str,
    name: str | None,
    scopes: Sequence[str],
    all_scopes: bool,
    expires_at: Any,
    url: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Change the name, the scopes or the end of a key; --expires '' for a key without an end.

    \b
    herold api-keys change k3v9x2ab --scope notifications:send --scope notifications:read
    """
    api, path = load_operator_client(url, api_key), build_path(key_id)
    body: JsonObject = {"name": name} if name else {}
    if scopes or all_scopes:
        body["scopes"] = list(scopes)
    if expires_at is not None:
        body["expires_at"] = expires_at or None
    print_result(api.change("PATCH", path, body, api.get(path)["version"]), as_json, format_key)


@api_keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap",
    default=DEFAULT_KEY_OVERLAP,
    show_default=True,
    type=click.IntRange(0, MAX_KEY_OVERLAP),
    help="Seconds for which the key before can be used as well; 0 for one that leaked.",
)
@add_gateway_options
@json_option
def rotate(key_id: str, overlap: int, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Give a key a new secret, and print its text, which is shown only now.

    \b
    herold api-keys rotate k3v9x2ab --overlap 3600
    """
    print_result(load_operator_client(url, api_key).post(build_path(key_id, "rotate"), {"overlap": overlap}), as_json, format_key)


@api_keys.command()
@click.argument("key_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the audit log.")
@add_gateway_options
@json_option
def revoke(key_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """End a key for good, everywhere within 30 s.

    \b
    herold api-keys revoke k3v9x2ab --reason "it was in a log"
    """
    print_result(load_operator_client(url, api_key).post(build_path(key_id, "revoke"), {"reason": reason}), as_json, format_key)


def build_path(key_id: str, action: str = "") -> str:
    """The path of a key, or of what is done with it."""
    path = f"{KEYS_PATH}/{quote(key_id, safe='')}"
    return f"{path}/{action}" if action else path


def format_key(key: JsonObject) -> RenderableType:
    """A key as a table; a new one with its text."""
    text = {"key": f"{key['key']} (shown only now)"} if "key" in key else {}
    return formatting.build_key_value_table(
        {
            "id": key["id"],
            **text,
            "name": key["name"],
            "role": key["role"],
            "scopes": ", ".join(key["scopes"]) or "all of the role",
            "sends": "to the simulators only" if key["is_test"] else "live",
            "state": _describe_state(key),
            "the key before": f"until {formatting.format_datetime(key['previous_expires_at'])}" if key["previous_expires_at"] else "",
            "last used": formatting.format_datetime(key["last_used_at"]) if key["last_used_at"] else "never",
            "created": f"{formatting.format_datetime(key['created_at'])} by {key['created_by']}",
        }
    )


def _describe_state(key: JsonObject) -> str:
    if key["revoked_at"]:
        return f"revoked {formatting.format_datetime(key['revoked_at'])}"
    return f"ends {formatting.format_datetime(key['expires_at'])}" if key["expires_at"] else "in force"


def _format_keys(page: JsonObject) -> RenderableType:
    table = formatting.build_table("id", "name", "role", "scopes", "sends", "state", "last used")
    for key in page["items"]:
        last_used = formatting.format_datetime(key["last_used_at"]) if key["last_used_at"] else "never"
        sends = "test" if key["is_test"] else "live"
        scopes = ", ".join(key["scopes"]) or "all of the role"
        table.add_row(key["id"], key["name"], key["role"], scopes, sends, _describe_state(key), last_used)
    return format_page(table, page)
