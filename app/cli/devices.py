"""`herold devices`: lists, registers and deletes the devices of a user."""

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.user_paths import build_user_path


@click.group()
def devices() -> None:
    """List and change the devices that get a user's push messages.

    \b
    herold devices list u-42
    """


@devices.command("list")
@click.argument("user_id", metavar="USER")
@add_page_options
@add_gateway_options
@json_option
def list_devices(user_id: str, limit: int, cursor: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List a user's devices.

    \b
    herold devices list u-42
    """
    page = load_gateway_client(url, api_key).get(build_user_path(user_id, "devices"), **select_given(limit=limit, cursor=cursor))
    print_result(page, as_json, _format_devices)


@devices.command("set")
@click.argument("user_id", metavar="USER")
@click.argument("token")
@click.option("--kind", help="fcm (the default): a token of FCM; fid: the id of a Firebase installation.")
@click.option("--platform", help="Such as android or ios.")
@add_gateway_options
@json_option
def set_device(
    user_id: str, token: str, kind: str | None, platform: str | None, url: str | None, api_key: str | None, as_json: bool
) -> None:
    """Register a device, or change what is given of one.

    \b
    herold devices set u-42 token-1 --platform android
    """
    body = select_given(kind=kind, platform=platform)
    device = load_operator_client(url, api_key).change("PUT", build_user_path(user_id, "devices", token), body)
    print_result(device, as_json, lambda one: _format_devices({"items": [one]}))


@devices.command()
@click.argument("user_id", metavar="USER")
@click.argument("token")
@add_gateway_options
@json_option
def delete(user_id: str, token: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete a device; no push message goes to it any more.

    \b
    herold devices delete u-42 token-1
    """
    load_operator_client(url, api_key).delete(build_user_path(user_id, "devices", token))
    print_result({"user_id": user_id, "token": token}, as_json, lambda result: f"the device of {result['user_id']} is deleted")


def _format_devices(page: JsonObject) -> RenderableType:
    table = formatting.build_table("token", "kind", "platform", "last seen", "updated")
    for device in page["items"]:
        last_seen = formatting.format_datetime(device["last_seen_at"]) if device["last_seen_at"] else ""
        table.add_row(device["token"], device["kind"], device["platform"], last_seen, formatting.format_datetime(device["updated_at"]))
    return format_page(table, page)
