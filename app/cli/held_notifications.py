"""`herold cancel` and `herold reschedule`: notifications that the scheduler holds."""

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import build_notification_path, load_gateway_client
from app.cli.notifications import select_user, user_option
from app.cli.output import JsonValue, add_gateway_options, json_option, print_result
from app.cli.times import TimeParameter

REQUESTED = "requested; the scheduler has not answered yet, `herold show {id}` will show the result"


@click.command()
@click.argument("notification_id", metavar="ID")
@user_option
@add_gateway_options
@json_option
def cancel(notification_id: str, user: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Cancel a notification that is held, or the channels that may follow. Fails if it is not, or if it was released first.

    \b
    herold cancel ntf_0199c82cc00070008000000000000001
    """
    result = load_gateway_client(url, api_key).delete(build_notification_path(notification_id), None, **select_user(user))
    print_result(result, as_json, _format_result)


@click.command()
@click.argument("notification_id", metavar="ID")
@click.argument("send_at", metavar="TIME", type=TimeParameter())
@user_option
@add_gateway_options
@json_option
def reschedule(notification_id: str, send_at: float | str, user: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Hold a notification that is held until another TIME: RFC 3339 text with a zone, epoch seconds, or a duration such as +2h.

    A time in the past releases it at once. The gate that holds it judges again.

    \b
    herold reschedule ntf_0199c82cc00070008000000000000001 2026-12-24T18:00:00+01:00
    """
    body = {"send_at": send_at}
    result = load_gateway_client(url, api_key).change("PATCH", build_notification_path(notification_id), body, None, **select_user(user))
    print_result(result, as_json, _format_result)


def _format_result(body: JsonValue) -> RenderableType:
    if body.get("status") == "requested":
        return REQUESTED.format(id=body["id"])
    return formatting.format_notification(body)
