"""`herold accounts`: the people who may log in."""

from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.origin import build_origin
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from schemas.errors import NoLinkError
from schemas.permissions import Role

ACCOUNTS_PATH = "/v1/accounts"
role_choice = click.Choice([str(role) for role in Role])


@click.group()
def accounts() -> None:
    """Make, list and change the accounts of people who may log in.

    \b
    herold accounts add ada@example.org --role operator --name "Ada Lovelace"
    """


@accounts.command()
@click.argument("email")
@click.option("--role", required=True, type=role_choice, help="What the person may do: `herold accounts` needs admin.")
@click.option("--name", default="", help="Of the person.")
@click.option("--project", "projects", multiple=True, help="What the account belongs to; by default the default project. Repeatable.")
@click.option("--no-e-mail", is_flag=True, help="Send no link to choose a password; `herold accounts send-link` does later.")
@add_gateway_options
@json_option
def add(
    email: str,
    role: str,
    name: str,
    projects: tuple[str, ...],
    no_e_mail: bool,
    url: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Make an account. Its person gets an e-mail with a link to choose a password.

    \b
    herold accounts add ada@example.org --role operator --name "Ada Lovelace"
    """
    body = {"email": email, "role": role, "name": name, "projects": list(projects), "notify": not no_e_mail}
    print_result(load_operator_client(url, api_key).post(ACCOUNTS_PATH, body), as_json, format_account)


@accounts.command("list")
@click.option("--role", type=role_choice, help="Only those with this role.")
@click.option("--state", type=click.Choice(["active", "disabled"]), help="Only those in this state.")
@click.option("--search", help="Part of an e-mail address or name.")
@add_page_options
@add_gateway_options
@json_option
def list_accounts(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List accounts in the order of their creation.

    \b
    herold accounts list --role admin
    """
    print_result(load_gateway_client(url, api_key).get(ACCOUNTS_PATH, **select_given(**options)), as_json, _format_accounts)


@accounts.command()
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def show(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show an account.

    \b
    herold accounts show acc_0199c82cc00070008000000000000001
    """
    print_result(load_gateway_client(url, api_key).get(build_path(account_id)), as_json, format_account)


@accounts.command()
@click.argument("account_id", metavar="ID")
@click.option("--role", type=role_choice, help="The new role; it counts within 30 s.")
@click.option("--name", help="The new name.")
@click.option("--email", help="The new e-mail address.")
@click.option("--project", "projects", multiple=True, help="What the account belongs to, instead of what it does now. Repeatable.")
@add_gateway_options
@json_option
def change(
    account_id: str,
    role: str | None,
    name: str | None,
    email: str | None,
    projects: tuple[str, ...],
    url: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Change the role, name, e-mail address or projects of an account.

    \b
    herold accounts change acc_0199c82cc00070008000000000000001 --role viewer
    """
    body: JsonObject = {key: value for key, value in (("role", role), ("name", name), ("email", email)) if value is not None}
    _change(account_id, {**body, **({"projects": list(projects)} if projects else {})}, url, api_key, as_json)


@accounts.command()
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def disable(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Let an account log in no more, and end its sessions.

    \b
    herold accounts disable acc_0199c82cc00070008000000000000001
    """
    _change(account_id, {"state": "disabled"}, url, api_key, as_json)


@accounts.command()
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def enable(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Let an account log in again.

    \b
    herold accounts enable acc_0199c82cc00070008000000000000001
    """
    _change(account_id, {"state": "active"}, url, api_key, as_json)


@accounts.command()
@click.argument("account_id", metavar="ID")
@click.confirmation_option(prompt="Delete the account?")
@add_gateway_options
@json_option
def delete(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete an account with its sessions, passkeys and codes.

    \b
    herold accounts delete acc_0199c82cc00070008000000000000001 --yes
    """
    api, path = load_operator_client(url, api_key), build_path(account_id)
    api.delete(path, api.get(path)["version"])
    print_result({"id": account_id}, as_json, lambda result: f"{result['id']} is deleted")


@accounts.command("revoke-sessions")
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def revoke_sessions(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """End all sessions of an account within 30 s; its person can log in again.

    \b
    herold accounts revoke-sessions acc_0199c82cc00070008000000000000001
    """
    path = build_path(account_id, "revoke-sessions")
    print_result(load_operator_client(url, api_key).post(path, {}), as_json, format_account)


@accounts.command("reset-second-factor")
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def reset_second_factor(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Remove the authenticator app of an account, for who has lost it.

    \b
    herold accounts reset-second-factor acc_0199c82cc00070008000000000000001
    """
    path = build_path(account_id, "reset-second-factor")
    print_result(load_operator_client(url, api_key).post(path, {}), as_json, format_account)


@accounts.command("send-link")
@click.argument("account_id", metavar="ID")
@add_gateway_options
@json_option
def send_link(account_id: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Send an e-mail with a link to choose a password.

    \b
    herold accounts send-link acc_0199c82cc00070008000000000000001
    """
    path = build_path(account_id, "send-link")
    print_result(load_operator_client(url, api_key).post(path, {}), as_json, lambda result: result["status"])


def build_path(account_id: str, *parts: str) -> str:
    """The path of an account or of what is done with it."""
    return "/".join([ACCOUNTS_PATH, quote(account_id, safe=""), *parts])


@accounts.command("login-link")
@click.argument("email", default="")
@json_option
def login_link(email: str, as_json: bool) -> None:
    """Print a link that logs in to an account once, within ten minutes, without its password. Writes to the database, and not by HTTP.

    Without an address it is for the first admin; `herold up` prints such a link at each start. There is none for an account with an
    authenticator app. The audit log names who made it.

    \b
    herold accounts login-link ada@example.org
    """
    from app.admin.login_links import make_login_link  # it takes a third of a second, which no other command here needs

    profile = load_connection_profile()
    public_url = profile.links.base_url or profile.gateway_url
    try:
        link = run_query(profile.postgres.url, make_login_link(profile.postgres.url, public_url, build_origin("", ""), email))
    except NoLinkError as error:
        raise CommandError(str(error)) from None
    print_result(
        {"email": link.email, "url": link.url}, as_json, lambda one: f"{one['url']}\nlogs in as {one['email']}, once within 10 minutes"
    )


def format_account(account: JsonObject) -> RenderableType:
    """An account."""
    factors = [
        *(["a password"] if account["has_password"] else []),
        *(["an authenticator app"] if account["has_totp"] else []),
        *([f"{account['passkeys']} passkeys"] if account["passkeys"] else []),
    ]
    return formatting.build_key_value_table(
        {
            "account": Text(account["id"], "bold"),
            "e-mail": account["email"],
            "name": account["name"],
            "role": account["role"],
            "projects": ", ".join(account["projects"]) or "the default one",
            "state": account["state"],
            "has": ", ".join(factors) or "no password yet",
            "last login": formatting.format_datetime(account["last_login_at"]) if account["last_login_at"] else "never",
            "created": formatting.format_datetime(account["created_at"]),
            "version": str(account["version"]),
        }
    )


def _change(account_id: str, body: JsonObject, url: str | None, api_key: str | None, as_json: bool) -> None:
    api, path = load_operator_client(url, api_key), build_path(account_id)
    print_result(api.change("PATCH", path, body, api.get(path)["version"]), as_json, format_account)


def _format_accounts(page: JsonObject) -> RenderableType:
    table = formatting.build_table("account", "e-mail", "name", "role", "projects", "state", "last login")
    for one in page["items"]:
        last_login = formatting.format_datetime(one["last_login_at"]) if one["last_login_at"] else "never"
        projects = ", ".join(one["projects"])
        table.add_row(one["id"], one["email"], one["name"], one["role"], projects, one["state"], last_login)
    return format_page(table, page)
