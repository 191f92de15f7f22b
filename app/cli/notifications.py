"""`herold show`, `explain` and `list`: what became of notifications, and why."""

import click

from app.cli import formatting
from app.cli.api_client import ApiClient, build_gateway_client, build_notification_path
from app.cli.connection_profile import load_connection_profile
from app.cli.output import add_gateway_options, json_option, print_result


def load_gateway_client(url: str | None, api_key: str | None) -> ApiClient:
    """The gateway that is meant, or the one of the stack found."""
    place = load_connection_profile()
    return build_gateway_client(url or place.gateway_url, api_key or place.api_key)


@click.command()
@click.argument("notification_id", metavar="ID")
@add_gateway_options
@json_option
def show(notification_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show a notification, its deliveries and every attempt as a timeline.

    \b
    herold show ntf_0199c82cc00070008000000000000001
    """
    print_result(load_gateway_client(url, api_key).get(build_notification_path(notification_id)), as_json, formatting.format_notification)


@click.command()
@click.argument("notification_id", metavar="ID")
@add_gateway_options
@json_option
def explain(notification_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Explain why a notification became what it is, gate by gate and attempt by attempt.

    \b
    herold explain ntf_0199c82cc00070008000000000000001
    """
    print_result(
        load_gateway_client(url, api_key).get(build_notification_path(notification_id) + "/explain"), as_json, formatting.format_explanation
    )


@click.command("list")
@click.argument("user")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many.")
@click.option("--before", help="Only those older than this id.")
@add_gateway_options
@json_option
def list_notifications(user: str, limit: int, before: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List a user's notifications, newest first.

    \b
    herold list u-42 --limit 5
    """
    older = {"before": before} if before else {}
    print_result(
        load_gateway_client(url, api_key).get("/v1/notifications", user_id=user, limit=limit, **older),
        as_json,
        formatting.format_notification_list,
    )
