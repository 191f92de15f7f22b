"""`herold push`: subscribes the devices of a user to topics of FCM."""

from collections.abc import Mapping

import click
from rich.console import RenderableType

from app.admin.push_topics import MAX_DEVICES, change_subscriptions
from app.cli import formatting
from app.cli.api_client import load_gateway_client
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_FAILED, CommandError
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.user_paths import build_user_path
from schemas.addresses import InvalidAddress, normalize_push_address
from schemas.content_limits import TOPIC_PREFIX
from schemas.errors import SettingError, UnavailableError
from schemas.users import FID

REGISTRATION_KINDS = ("fcm", FID)
PAGE_SIZE = 200


@click.group()
def push() -> None:
    """Subscribe the devices of users to topics, to which one push message goes as `topic:<name>`.

    \b
    herold push subscribe --topic news --user u-42
    herold send --user topic:news --type newsletter.weekly --data '{"headline": "News"}'
    """


@push.command()
@click.option("--topic", required=True, help="The name of the topic.")
@click.option("--user", "user_id", required=True, help="Whose devices.")
@add_gateway_options
@json_option
def subscribe(topic: str, user_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Subscribe all devices of a user to a topic; a topic that nobody has is created.

    \b
    herold push subscribe --topic news --user u-42
    """
    _change(topic, user_id, url, api_key, as_json, subscribe=True)


@push.command()
@click.option("--topic", required=True, help="The name of the topic.")
@click.option("--user", "user_id", required=True, help="Whose devices.")
@add_gateway_options
@json_option
def unsubscribe(topic: str, user_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Unsubscribe all devices of a user from a topic.

    \b
    herold push unsubscribe --topic news --user u-42
    """
    _change(topic, user_id, url, api_key, as_json, subscribe=False)


def _change(topic: str, user_id: str, url: str | None, api_key: str | None, as_json: bool, subscribe: bool) -> None:
    address = normalize_push_address(TOPIC_PREFIX + topic)
    if isinstance(address, InvalidAddress):
        raise CommandError(f"{topic!r} is no name of a topic: {address.problem}")
    devices = _list_devices(user_id, url, api_key)
    if not devices:
        raise CommandError(f"{user_id} has no device that FCM knows", "register one: herold devices set")
    try:
        problems = change_subscriptions(load_connection_profile().fcm, [one["token"] for one in devices], topic, subscribe)
    except SettingError as error:
        raise CommandError(str(error)) from None
    except UnavailableError as error:
        raise CommandError(str(error), "check providers.fcm.url, and try again") from None
    items = [{"kind": one["kind"], "platform": one["platform"], "problem": problem} for one, problem in zip(devices, problems, strict=True)]
    print_result({"topic": topic, "user_id": user_id, "subscribed": subscribe, "items": items}, as_json, _format)
    if all(problems):
        raise SystemExit(EXIT_FAILED)


def _list_devices(user_id: str, url: str | None, api_key: str | None) -> list[Mapping[str, str]]:
    """The devices that are registered with FCM, at most as many as one call takes."""
    client, found, cursor = load_gateway_client(url, api_key), list[Mapping[str, str]](), ""
    while len(found) < MAX_DEVICES:
        page = client.get(build_user_path(user_id, "devices"), limit=PAGE_SIZE, **({"cursor": cursor} if cursor else {}))
        found += [one for one in page["items"] if one["kind"] in REGISTRATION_KINDS]
        cursor = page.get("next_cursor") or ""
        if not cursor:
            break
    return found[:MAX_DEVICES]


def _format(result: JsonObject) -> RenderableType:
    table = formatting.build_table("device", "platform", "subscribed" if result["subscribed"] else "unsubscribed")
    for number, one in enumerate(result["items"], start=1):
        table.add_row(f"{number} ({one['kind']})", one["platform"], one["problem"] or "yes")
    return table
