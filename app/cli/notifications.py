"""`herold show`, `herold explain` and `herold list`: read notifications over the gateway's API."""

import click

from app.cli import formatting
from app.cli.api_client import build_notification_path, load_gateway_client
from app.cli.output import add_gateway_options, json_option, print_result

user_option = click.option("--user", help="The recipient; needed only if a producer gave the id to several users.")


@click.command()
@click.argument("notification_id", metavar="ID")
@user_option
@add_gateway_options
@json_option
def show(notification_id: str, user: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a notification, its deliveries and every attempt as a timeline.

    \b
    herold show ntf_0199c82cc00070008000000000000001
    """
    notification = load_gateway_client(url, api_key).get(build_notification_path(notification_id), **_select_user(user))
    print_result(notification, as_json, formatting.format_notification)


@click.command()
@click.argument("notification_id", metavar="ID")
@user_option
@add_gateway_options
@json_option
def explain(notification_id: str, user: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Explain the state of a notification: its decision log and the attempts of its deliveries.

    \b
    herold explain ntf_0199c82cc00070008000000000000001
    """
    explanation = load_gateway_client(url, api_key).get(build_notification_path(notification_id) + "/explain", **_select_user(user))
    print_result(explanation, as_json, formatting.format_explanation)


@click.command("list")
@click.argument("user")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="Notifications to list.")
@click.option("--before", help="Only notifications older than this id.")
@add_gateway_options
@json_option
def list_notifications(user: str, limit: int, before: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List a user's notifications, newest first.

    \b
    herold list u-42 --limit 5
    """
    page = {"before": before} if before else {}
    notifications = load_gateway_client(url, api_key).get("/v1/notifications", user_id=user, limit=limit, **page)
    print_result(notifications, as_json, formatting.format_notification_list)


def _select_user(user: str | None) -> dict[str, str]:
    return {"user_id": user} if user else {}
