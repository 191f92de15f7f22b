"""`herold webhooks`: registers, lists, changes and tests webhook endpoints, and rotates their secrets."""

from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.webhook_results import ENDPOINTS_PATH, attempts, build_path, ping, stats

STATUSES = ("SENT", "DELIVERED", "FAILED", "BOUNCED", "UNSUBSCRIBED")
FILTER_OPTIONS = (
    click.option("--type", "types", multiple=True, help="Only notifications of this type, or order.* for a beginning. Repeatable."),
    click.option("--category", "categories", multiple=True, help="Of a status endpoint: only this category. Repeatable."),
    click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Of a status endpoint. Repeatable."),
)


def add_filter_options(command: Any) -> Any:
    """Add the options that say what an endpoint gets."""
    for option in reversed(FILTER_OPTIONS):
        command = option(command)
    return command


@click.group()
def webhooks() -> None:
    """Register, list, change and test webhook endpoints, and rotate their secrets.

    \b
    herold webhooks add https://hooks.example.org/orders --user u-partner-north --type 'order.*'
    """


for command in (ping, stats, attempts):
    webhooks.add_command(command)


@webhooks.command()
@click.argument("endpoint_url", metavar="URL")
@click.option("--user", "user_id", help="Whose endpoint it is; without it, one for the statuses of all deliveries.")
@add_filter_options
@click.option("--description", default="", help="What it is for.")
@click.option("--test", "is_test", is_flag=True, help="Of a status endpoint: it gets the statuses of tests, and no others.")
@click.option("--ordered", is_flag=True, help="Those of a user and priority come one after the other; a retry holds up the next.")
@click.option("--ed25519", is_flag=True, help="Sign with a private key; the receiver gets the public one.")
@add_gateway_options
@json_option
def add(
    endpoint_url: str,
    user_id: str | None,
    description: str,
    is_test: bool,
    ordered: bool,
    ed25519: bool,
    url: str | None,
    api_key: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Register URL, and print its secret, which is shown only now.

    \b
    herold webhooks add https://hooks.example.org/orders --user u-partner-north --type 'order.*'
    herold webhooks add https://shop.example.org/statuses --status FAILED --status BOUNCED
    """
    body = {
        "url": endpoint_url,
        "kind": "user" if user_id else "status",
        "user_id": user_id,
        "description": description,
        "signature": "ed25519" if ed25519 else "hmac",
        **{name: True for name, is_given in (("is_test", is_test), ("ordered", ordered)) if is_given},
        **{name: list(values) for name, values in filters.items()},
    }
    print_result(load_operator_client(url, api_key).post(ENDPOINTS_PATH, body), as_json, format_endpoint)


@webhooks.command("list")
@click.option("--user", "user_id", help="Only those of this user.")
@click.option("--kind", type=click.Choice(["user", "status"]), help="Only those of users, or for statuses.")
@click.option("--disabled", is_flag=True, help="Only those that are disabled.")
@click.option("--search", help="Part of a URL.")
@add_page_options
@add_gateway_options
@json_option
def list_endpoints(url: str | None, api_key: str | None, as_json: bool, disabled: bool, **options: Any) -> None:
    """List endpoints in the order of their creation.

    \b
    herold webhooks list --user u-partner-north
    """
    params = select_given(**options) | ({"enabled": "false"} if disabled else {})
    print_result(load_gateway_client(url, api_key).get(ENDPOINTS_PATH, **params), as_json, _format_endpoints)


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@add_gateway_options
@json_option
def show(endpoint_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show an endpoint.

    \b
    herold webhooks show whe_0199c82cc00070008000000000000001
    """
    print_result(load_gateway_client(url, api_key).get(build_path(endpoint_id)), as_json, format_endpoint)


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--to", "new_url", metavar="URL", help="The new URL.")
@add_filter_options
@click.option("--all-types", is_flag=True, help="Take all types again.")
@click.option("--description", help="What it is for.")
@click.option("--ordered/--unordered", default=None, help="Those of a user and priority come one after the other, or as they can.")
@add_gateway_options
@json_option
def change(
    endpoint_id: str,
    new_url: str | None,
    all_types: bool,
    description: str | None,
    ordered: bool | None,
    url: str | None,
    api_key: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Change the URL, the filters, the description or the order of an endpoint.

    \b
    herold webhooks change whe_0199c82cc00070008000000000000001 --type 'order.*' --type invoice.paid
    """
    api, path = load_operator_client(url, api_key), build_path(endpoint_id)
    body: JsonObject = {name: list(values) for name, values in filters.items() if values}
    body |= {name: value for name, value in (("url", new_url), ("description", description), ("ordered", ordered)) if value is not None}
    body |= {"types": []} if all_types else {}
    print_result(api.change("PATCH", path, body, api.get(path)["version"]), as_json, format_endpoint)


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@click.confirmation_option(prompt="Delete the endpoint?")
@add_gateway_options
@json_option
def delete(endpoint_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete an endpoint; deliveries that are on their way to it fail.

    \b
    herold webhooks delete whe_0199c82cc00070008000000000000001 --yes
    """
    api, path = load_operator_client(url, api_key), build_path(endpoint_id)
    api.delete(path, api.get(path)["version"])
    print_result({"id": endpoint_id}, as_json, lambda result: f"{result['id']} is deleted")


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the audit log.")
@add_gateway_options
@json_option
def enable(endpoint_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Call an endpoint again.

    \b
    herold webhooks enable whe_0199c82cc00070008000000000000001 --reason "the receiver works again"
    """
    path = build_path(endpoint_id, "enable")
    print_result(load_operator_client(url, api_key).change("POST", path, {"reason": reason}), as_json, format_endpoint)


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the audit log.")
@add_gateway_options
@json_option
def disable(endpoint_id: str, reason: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Call an endpoint no more.

    \b
    herold webhooks disable whe_0199c82cc00070008000000000000001 --reason "the receiver moves"
    """
    path = build_path(endpoint_id, "disable")
    print_result(load_operator_client(url, api_key).change("POST", path, {"reason": reason}), as_json, format_endpoint)


@webhooks.command()
@click.argument("endpoint_id", metavar="ID")
@click.option("--overlap", default=86_400, show_default=True, type=click.IntRange(0, 86_400), help="Seconds in which both secrets sign.")
@add_gateway_options
@json_option
def rotate(endpoint_id: str, overlap: int, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Make a new secret and print it; the old one signs as well until the overlap ends. An overlap of 0 is for a secret that leaked.

    \b
    herold webhooks rotate whe_0199c82cc00070008000000000000001
    """
    path = build_path(endpoint_id, "rotate-secret")
    print_result(load_operator_client(url, api_key).change("POST", path, {"overlap": overlap}), as_json, format_endpoint)


def format_endpoint(endpoint: JsonObject) -> RenderableType:
    """An endpoint, with its secret if it is new."""
    keys = [secret["public_key"] for secret in endpoint["secrets"] if secret["public_key"]]
    expiring = [secret["expires_at"] for secret in endpoint["secrets"] if secret["expires_at"]]
    return formatting.build_key_value_table(
        {
            "endpoint": Text(endpoint["id"], "bold"),
            "of": endpoint["user_id"] or "the statuses of deliveries",
            "url": endpoint["url"],
            "description": endpoint["description"],
            "types": ", ".join(endpoint["types"]) or "all",
            "categories": ", ".join(endpoint["categories"]),
            "statuses": ", ".join(endpoint["statuses"]),
            "order": "the webhooks of a user one after the other" if endpoint["ordered"] else "",
            "state": _format_state(endpoint),
            "secret": f"{endpoint['secret']}  (shown only now)" if endpoint.get("secret") else "",
            "public key": ", ".join(keys),
            "old secret": f"signs until {formatting.format_datetime(expiring[0])}" if expiring else "",
            "created": formatting.format_datetime(endpoint["created_at"]),
            "version": str(endpoint["version"]),
        }
    )


def _format_endpoints(page: JsonObject) -> RenderableType:
    table = formatting.build_table("endpoint", "of", "url", "types", "state")
    for one in page["items"]:
        recipient = one["user_id"] or ("statuses of tests" if one["is_test"] else "statuses")
        table.add_row(one["id"], recipient, one["url"], ", ".join(one["types"]) or "all", _format_state(one))
    return format_page(table, page)


def _format_state(endpoint: JsonObject) -> str:
    if endpoint["is_enabled"]:
        return "enabled"
    return f"disabled ({endpoint['disabled_reason']}) since {formatting.format_datetime(endpoint['disabled_at'])}"
