"""`herold preferences`: lists, sets, deletes, imports and exports what users choose, and shows the history of their consent."""

from typing import Any

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.bulk import add_export_options, add_import_options, export_file, import_file
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.message_links import build_links
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.user_paths import build_user_path
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.message_links import PREFERENCES_URL, UNSUBSCRIBE_URL

category_option = click.option("--category", default="", help="Default: all categories.")
channel_option = click.option("--channel", type=click.Choice(CHANNEL_NAMES), help="Default: all channels.")
reason_option = click.option("--reason", default="", help="Why, for the history.")


@click.group()
def preferences() -> None:
    """List and change what users choose to get, and show who changed it.

    \b
    herold preferences set u-42 out --category marketing --channel email
    herold preferences history u-42
    """


@preferences.command("list")
@click.argument("user_id", metavar="USER")
@add_gateway_options
@json_option
def list_preferences(user_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List a user's preferences. The most specific one decides: category and channel, then category, then channel, then neither.

    \b
    herold preferences list u-42
    """
    print_result(load_gateway_client(url, api_key).get(build_user_path(user_id, "preferences")), as_json, _format_preferences)


@preferences.command("set")
@click.argument("user_id", metavar="USER")
@click.argument("choice", type=click.Choice(["in", "out"]))
@category_option
@channel_option
@click.option("--digest", default="", type=click.Choice(["", "off", "hourly", "daily", "weekly"]), help="How messages are gathered.")
@reason_option
@add_gateway_options
@json_option
def set_preference(user_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Opt a user in or out; other preferences stay.

    \b
    herold preferences set u-42 out --category marketing
    """
    _change(user_id, select_given(**options), reason, url, api_key, as_json)


@preferences.command()
@click.argument("user_id", metavar="USER")
@click.option("--category", required=True, help="What the link unsubscribes from.")
@click.option("--channel", type=click.Choice(CHANNEL_NAMES), default="email", show_default=True, help="On which channel.")
@json_option
def link(user_id: str, category: str, channel: ChannelName, as_json: bool) -> None:
    """Print the links that the messages of a category to USER have; whoever has them can change the preferences of USER.

    \b
    herold preferences link u-42 --category marketing
    """
    links = build_links(user_id, category, channel)
    print_result(links._asdict(), as_json, lambda found: f"{found[UNSUBSCRIBE_URL]}\n{found[PREFERENCES_URL]}")


@preferences.command()
@click.argument("user_id", metavar="USER")
@category_option
@channel_option
@reason_option
@add_gateway_options
@json_option
def delete(user_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Delete what a user chose for a category and channel, so that a more general choice decides.

    \b
    herold preferences delete u-42 --category marketing
    """
    _change(user_id, {**select_given(**options), "choice": None}, reason, url, api_key, as_json)


@preferences.command()
@click.argument("user_id", metavar="USER")
@add_page_options
@add_gateway_options
@json_option
def history(user_id: str, limit: int, cursor: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show who changed a user's preferences and suppressions, what, when and from where, newest first.

    \b
    herold preferences history u-42
    """
    page = load_gateway_client(url, api_key).get(build_user_path(user_id, "consent-events"), **select_given(limit=limit, cursor=cursor))
    print_result(page, as_json, _format_history)


@preferences.command("import")
@add_import_options
def import_preferences(**options: Any) -> None:
    """Write the preferences of FILE (CSV or JSONL); others stay. The history says that they come from an import.

    If a line is not valid, nothing is changed, unless --skip-invalid is given. An interrupted import goes on when it is repeated.

    \b
    herold preferences import preferences.csv
    """
    import_file("preferences", **options)


@preferences.command("export")
@add_export_options
def export(**options: Any) -> None:
    """Write all preferences as CSV or JSONL, as `herold preferences import` reads it.

    \b
    herold preferences export --output preferences.csv
    """
    export_file("preferences", **options)


def _change(user_id: str, item: JsonObject, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    body = {"items": [item], "reason": reason}
    changed = load_operator_client(url, api_key).change("PATCH", build_user_path(user_id, "preferences"), body)
    print_result(changed, as_json, _format_preferences)


def _format_preferences(page: JsonObject) -> RenderableType:
    table = formatting.build_table("category", "channel", "choice", "digest")
    for item in page["items"]:
        table.add_row(item.get("category") or "all", item.get("channel") or "all", item["choice"], item.get("digest", ""))
    return format_page(table, page)


def _format_history(page: JsonObject) -> RenderableType:
    table = formatting.build_table("time", "change", "category", "channel", "address", "choice", "by", "from", "reason")
    for event in page["items"]:
        table.add_row(
            formatting.format_datetime(event["occurred_at"]),
            event["change"].replace("_", " "),
            event["category"] or "all",
            event["channel"] or "all",
            event["address"],
            f"{event['old_choice'] or '-'} -> {event['new_choice'] or '-'}",
            event["actor"],
            event["source"],
            event["reason"],
        )
    return format_page(table, page)
