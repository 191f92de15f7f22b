"""`herold webhooks ping`, `stats` and `attempts`: what calls of an endpoint came to."""

from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result

ENDPOINTS_PATH = "/v1/webhook-endpoints"


@click.command()
@click.argument("endpoint_id", metavar="ID")
@add_gateway_options
@json_option
def ping(endpoint_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Send a test webhook of the type herold.ping, and show what the endpoint answered.

    \b
    herold webhooks ping whe_0199c82cc00070008000000000000001
    """
    print_result(load_operator_client(url, api_key).post(build_path(endpoint_id, "ping"), {}), as_json, format_ping)


@click.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 24 * 90), help="Hours until now.")
@add_gateway_options
@json_option
def stats(endpoint_id: str, hours: int, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show how many calls of an endpoint succeeded.

    \b
    herold webhooks stats whe_0199c82cc00070008000000000000001 --hours 168
    """
    found = load_gateway_client(url, api_key).get(build_path(endpoint_id, "statistics"), hours=hours)
    print_result(found, as_json, format_statistics)


@click.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@add_page_options
@add_gateway_options
@json_option
def attempts(endpoint_id: str, failed: bool, limit: int, cursor: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List the attempts at an endpoint, the newest first, each with what the endpoint answered, or the error.

    \b
    herold webhooks attempts whe_0199c82cc00070008000000000000001 --failed
    """
    params = select_given(failed=failed, limit=limit, cursor=cursor)
    found = load_gateway_client(url, api_key).get(build_path(endpoint_id, "attempts"), **params)
    print_result(found, as_json, format_attempts)


def build_path(endpoint_id: str, *parts: str) -> str:
    """The path of an endpoint or of what belongs to it."""
    return "/".join([ENDPOINTS_PATH, quote(endpoint_id, safe=""), *parts])


def format_ping(result: JsonObject) -> RenderableType:
    """What became of a test webhook."""
    answered = f"HTTP {result['code']} after {result['duration_ms']:g} ms" if result["code"] else "none yet" if not result["detail"] else ""
    return formatting.build_key_value_table(
        {
            "delivery": result["delivery_id"],
            "status": Text(result["status"], "bold"),
            "answer": answered,
            "reason": result["reason"],
            "detail": result["detail"],
        }
    )


def format_statistics(statistics: JsonObject) -> RenderableType:
    """How many calls succeeded."""
    rate, since = statistics["success_rate"], statistics["failing_since"]
    return formatting.build_key_value_table(
        {
            "succeeded": f"{statistics['succeeded']:,}",
            "failed": f"{statistics['failed']:,}",
            "success rate": "" if rate is None else f"{rate:.2%}",
            "failing since": formatting.format_datetime(since) if since else "",
            "last code": str(statistics["last_code"] or ""),
        }
    )


def format_attempts(page: JsonObject) -> RenderableType:
    """Attempts, with the notification of each."""
    table = formatting.build_table("time", "notification", "attempt", "status", "result")
    for one in page["items"]:
        table.add_row(
            formatting.format_datetime(one["occurred_at"]),
            one["notification_id"] or "of Herold's own",
            str(one["attempt"] + 1),
            formatting.format_word(one["status"]),
            formatting.format_attempt_detail({**one, "provider_code": one["code"]}),
        )
    return format_page(table, page)
