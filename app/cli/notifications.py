"""`herold show`, `herold explain`, `herold list` and `herold mark-read`: notifications over the gateway's API."""

import click

from app.cli import formatting
from app.cli.api_client import ApiClient, build_notification_path, load_gateway_client
from app.cli.errors import EXIT_NOT_FOUND, CommandError
from app.cli.explanation_text import format_answers, format_explanation
from app.cli.output import JsonValue, add_gateway_options, json_option, print_result

NOTHING_RECORDED_ADVICE = (
    "a new notification is known after a second or two, and history is dropped after postgres.retention_days; "
    "if there should be one, ask its producer whether it was submitted"
)

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
    notification = load_gateway_client(url, api_key).get(build_notification_path(notification_id), **select_user(user))
    print_result(notification, as_json, formatting.format_notification)


@click.command("mark-read")
@click.argument("notification_id", metavar="ID")
@user_option
@add_gateway_options
@json_option
def mark_read(notification_id: str, user: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Mark a notification as read, so that no further channel follows if its rule escalates unless `read`.

    \b
    herold mark-read ntf_0199c82cc00070008000000000000001
    """
    path = build_notification_path(notification_id) + "/read"
    result = load_gateway_client(url, api_key).change("POST", path, {}, None, **select_user(user))
    print_result(result, as_json, formatting.format_notification)


@click.command()
@click.argument("notification_id", metavar="[ID]", required=False)
@click.option("--user", help="The recipient; without ID, whose last notifications are explained.")
@click.option("--type", "notification_type", help="Without ID: only notifications of this type.")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 50), help="Without ID: notifications to explain.")
@add_gateway_options
@json_option
def explain(
    notification_id: str | None,
    user: str | None,
    notification_type: str | None,
    limit: int,
    url: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Explain why a notification was sent or not: each gate, what would have changed it, and each attempt.

    Without ID: the last notifications of a user, newest first.

    \b
    herold explain ntf_0199c82cc00070008000000000000001
    herold explain --user u-ada --type order.shipped
    """
    client = load_gateway_client(url, api_key)
    if notification_id:
        print_result(_explain(client, notification_id, user), as_json, format_explanation)
        return
    if not user:
        raise CommandError("neither an ID nor a user is given", "give the ID, or --user, with or without --type")
    selection = {"type": notification_type} if notification_type else {}
    page = client.get("/v1/notifications", user_id=user, limit=limit, **selection)
    if not page["items"]:
        of_type = f" of the type {notification_type!r}" if notification_type else ""
        raise CommandError(f"no notification{of_type} to the user {user!r} is recorded", NOTHING_RECORDED_ADVICE, EXIT_NOT_FOUND)
    print_result([_explain(client, one["id"], user) for one in page["items"]], as_json, format_answers)


def _explain(client: ApiClient, notification_id: str, user: str | None) -> JsonValue:
    return client.get(build_notification_path(notification_id) + "/explain", **select_user(user))


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


def select_user(user: str | None) -> dict[str, str]:
    """The query that names the recipient, if one is given."""
    return {"user_id": user} if user else {}
