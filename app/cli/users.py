"""`herold users`: lists, shows, sets, deletes, imports and exports users."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.bulk import add_export_options, add_import_options, export_file, import_file
from app.cli.errors import EXIT_NOT_FOUND, CommandError
from app.cli.json_input import parse_json
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.personal_data import erase, erasures, export_user, reapply_erasures
from app.cli.user_paths import USERS_PATH, build_user_path
from schemas.channels import CHANNELS

ADDRESS_CHANNELS = [channel.name for channel in CHANNELS if not channel.has_devices]
ATTRIBUTE_HELP = "name=text or name:=JSON; the others stay. name:=null deletes it. Repeatable."


@click.group()
def users() -> None:
    """List, show and change users.

    \b
    herold users set u-42 --email ada@example.org --locale de-AT --time-zone Europe/Vienna
    herold users import users.csv
    """


@users.command("list")
@click.option("--search", help="The beginning of an id, or a whole address, number or token of a device.")
@add_page_options
@add_gateway_options
@json_option
def list_users(search: str | None, limit: int, cursor: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List users in the order of their ids.

    \b
    herold users list --search ada@example.org
    """
    page = load_gateway_client(url, api_key).get(USERS_PATH, **select_given(search=search, limit=limit, cursor=cursor))
    print_result(page, as_json, _format_users)


@users.command()
@click.argument("user_id", metavar="ID")
@add_gateway_options
@json_option
def show(user_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a user.

    \b
    herold users show u-42
    """
    print_result(load_gateway_client(url, api_key).get(build_user_path(user_id)), as_json, _format_user)


@users.command("set")
@click.argument("user_id", metavar="ID")
@click.option("--email", multiple=True, help="E-mail address; replaces the stored ones, an empty one deletes them. Repeatable.")
@click.option("--sms", multiple=True, help="Telephone number with + and country code; as --email.")
@click.option("--webhook", multiple=True, help="URL; as --email.")
@click.option("--locale", help="Such as de-AT; empty: none.")
@click.option("--time-zone", help="Such as Europe/Vienna; empty: none, which is UTC.")
@click.option("--tier", help="Empty: none.")
@click.option("--attribute", multiple=True, metavar="K=V|K:=JSON", help=ATTRIBUTE_HELP)
@click.option("--quiet-hours", metavar="HH:MM-HH:MM", help="When nothing is sent that can wait, in the user's time zone; empty: never.")
@add_gateway_options
@json_option
def set_user(user_id: str, attribute: Sequence[str], url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Create a user, or change what is given of one.

    \b
    herold users set u-42 --tier gold --quiet-hours 22:00-07:00 --attribute plan=pro
    """
    api, path = load_operator_client(url, api_key), build_user_path(user_id)
    stored = find_or_none(lambda: api.get(path))
    body = build_user_change(options, attribute, stored or {})
    written = api.change("PATCH", path, body, stored["version"]) if stored else api.change("PUT", path, body)
    print_result(written, as_json, _format_user)


@users.command()
@click.argument("user_id", metavar="ID")
@click.confirmation_option(prompt="Delete the user with devices and preferences?")
@add_gateway_options
@json_option
def delete(user_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete a user with devices and preferences; suppressions and consent events stay.

    \b
    herold users delete u-42 --yes
    """
    load_operator_client(url, api_key).delete(build_user_path(user_id))
    print_result({"id": user_id}, as_json, lambda result: f"{result['id']} is deleted")


@users.command("import")
@add_import_options
def import_users(**options: Any) -> None:
    """Create and change the users of FILE (CSV or JSONL).

    If a line is not valid, nothing is changed, unless --skip-invalid is given. An interrupted import goes on when it is repeated. In CSV, a
    column that is not there leaves what is stored, and an empty cell is an empty value; several addresses are a JSON array.

    \b
    herold users import users.csv
    """
    import_file("users", **options)


@users.command("export")
@click.argument("user_id", metavar="[USER]", required=False)
@add_gateway_options
@add_export_options
def export(user_id: str | None, url: str | None, api_key: str | None, **options: Any) -> None:
    """Write all users with their devices as CSV or JSONL, as `herold users import` reads it; or all that is stored of USER as JSON.

    \b
    herold users export --output users.jsonl
    herold users export u-42
    """
    if user_id is None:
        export_file("users", **options)
    else:
        export_user(load_operator_client(url, api_key), user_id, options["output"])


for command in (erase, erasures, reapply_erasures):
    users.add_command(command)


def find_or_none(get: Any) -> JsonObject | None:
    """What is found; None if there is no such resource."""
    try:
        found: JsonObject = get()
    except CommandError as error:
        if error.exit_code != EXIT_NOT_FOUND:
            raise
        return None
    return found


def build_user_change(options: Mapping[str, Any], attributes: Sequence[str], stored: JsonObject) -> JsonObject:
    """The body of a change; addresses of other channels and other attributes stay. Raises click.UsageError for an invalid option."""
    body: JsonObject = {name: options[name] for name in ("locale", "time_zone", "tier") if options[name] is not None}
    given = {channel: [text for text in options[channel] if text] for channel in ADDRESS_CHANNELS if options[channel]}
    if given:
        body["addresses"] = {**stored.get("addresses", {}), **given}
    if attributes:
        merged = {**stored.get("attributes", {}), **dict(map(parse_attribute, attributes))}
        body["attributes"] = {name: value for name, value in merged.items() if value is not None}
    if options["quiet_hours"] is not None:
        body["quiet_hours"] = parse_quiet_hours(options["quiet_hours"])
    return body


def parse_quiet_hours(text: str) -> JsonObject | None:
    """The window of HH:MM-HH:MM, None for an empty text. Raises click.UsageError for another text."""
    start, dash, end = text.partition("-")
    if text and not (start and dash and end):
        raise click.UsageError(f"--quiet-hours {text}: must be HH:MM-HH:MM, such as 22:00-07:00")
    return {"start": start.strip(), "end": end.strip()} if text else None


def parse_attribute(text: str) -> tuple[str, Any]:
    """The name and the value of name=text or name:=JSON. Raises click.UsageError for another text."""
    name, equals, value = text.partition("=")
    if not equals or not name.rstrip(":"):
        raise click.UsageError(f"--attribute {text}: must be name=text or name:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], parse_json(value.encode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise click.UsageError(f"--attribute {text}: {error}") from None


def _format_users(page: JsonObject) -> RenderableType:
    table = formatting.build_table("user", "addresses", "locale", "time zone", "tier", "updated")
    for user in page["items"]:
        updated = formatting.format_datetime(user["updated_at"])
        table.add_row(user["id"], formatting.format_fields(user["addresses"]), user["locale"], user["time_zone"], user["tier"], updated)
    return format_page(table, page)


def _format_user(user: JsonObject) -> RenderableType:
    hours = user["quiet_hours"]
    return formatting.build_key_value_table(
        {
            "user": Text(user["id"], "bold"),
            **{channel: ", ".join(found) for channel, found in user["addresses"].items()},
            "locale": user["locale"],
            "time zone": user["time_zone"],
            "tier": user["tier"],
            "attributes": formatting.format_fields(user["attributes"]),
            "quiet hours": f"{hours['start']} to {hours['end']}, {user['time_zone'] or 'UTC'}" if hours else "",
            "created": formatting.format_datetime(user["created_at"]),
            "updated": formatting.format_datetime(user["updated_at"]),
            "version": str(user["version"]),
        }
    )
