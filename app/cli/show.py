"""`herold show`, `explain` and `list`: what became of notifications, and why."""

import click

from app.cli import views
from app.cli.api import Api, gateway, path_of
from app.cli.place import find_place
from app.cli.screen import json_option, place_options
from app.cli.screen import show as shown


def api_of(url: str | None, api_key: str | None) -> Api:
    """The gateway that is meant, or the one of the stack found."""
    place = find_place()
    return gateway(url or place.gateway, api_key or place.api_key)


@click.command()
@click.argument("notification_id", metavar="ID")
@place_options
@json_option
def show(notification_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a notification, its deliveries and every attempt as a timeline.

    \b
    herold show ntf_0199c82cc00070008000000000000001
    """
    shown(api_of(url, api_key).get(path_of(notification_id)), as_json, views.notification)


@click.command()
@click.argument("notification_id", metavar="ID")
@place_options
@json_option
def explain(notification_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Explain why a notification became what it is, gate by gate and attempt by attempt.

    \b
    herold explain ntf_0199c82cc00070008000000000000001
    """
    shown(api_of(url, api_key).get(path_of(notification_id) + "/explain"), as_json, views.explained)


@click.command("list")
@click.argument("user")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many.")
@click.option("--before", help="Only those older than this id.")
@place_options
@json_option
def list_of_user(user: str, limit: int, before: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List a user's notifications, newest first.

    \b
    herold list u-42 --limit 5
    """
    older = {"before": before} if before else {}
    shown(api_of(url, api_key).get("/v1/notifications", user_id=user, limit=limit, **older), as_json, views.page)
