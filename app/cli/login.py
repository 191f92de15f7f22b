"""`herold login`, `logout` and `whoami`: the session of the person who runs commands."""

import sys
from typing import Any

import click
import httpx
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.session_file import describe_session, find_session_file, load_sessions, post, read_session, store_session

LOGIN_PATH, LOGOUT_PATH, ME_PATH = "/v1/auth/login", "/v1/auth/logout", "/v1/auth/me"
CODE_NEEDED = "/docs#second-factor-required"
url_option = click.option("--url", envvar="HEROLD_URL", show_envvar=True, help="The gateway's address, such as http://127.0.0.1:8080.")


@click.command()
@click.argument("email")
@click.option("--code", default="", help="Of the authenticator app, or a recovery code; asked for if the account needs one.")
@click.option("--project", help="What the session is for; by default the first project of the account.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin instead of asking for it.")
@url_option
@json_option
def login(email: str, code: str, project: str | None, password_stdin: bool, url: str | None, as_json: bool) -> None:
    """Log in, so that further commands run as this person and not with an API key.

    The session is kept in a file that only you can read: HEROLD_SESSION_FILE, else herold/sessions.json in ~/.config.

    \b
    herold login ada@example.org
    """
    profile = load_connection_profile()
    gateway_url, ca_file = url or profile.gateway_url, profile.gateway_ca_file
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt("Password", hide_input=True, err=True)
    file = find_session_file()
    known = load_sessions(file).get(gateway_url)
    device = known.device if known and known.email == email else {}
    body: JsonObject = {"email": email, "password": password, "code": code, "project": project}
    response = post(gateway_url, LOGIN_PATH, body, ca_file, device)
    if not code and not password_stdin and _get_problem(response) == CODE_NEEDED:
        body["code"] = click.prompt("Code of the authenticator app", err=True)
        response = post(gateway_url, LOGIN_PATH, body, ca_file, device)
    if response.status_code != 200:
        raise _build_login_error(response)
    session = read_session(email, response, device, project)
    store_session(file, gateway_url, session)
    print_result({**describe_session(session), "url": gateway_url, "file": str(file)}, as_json, _format_login)


@click.command()
@url_option
@json_option
def logout(url: str | None, as_json: bool) -> None:
    """End the session at the gateway, and forget it here.

    \b
    herold logout
    """
    profile, file = load_connection_profile(), find_session_file()
    gateway_url = url or profile.gateway_url
    session = load_sessions(file).get(gateway_url)
    if session is not None:
        post(gateway_url, LOGOUT_PATH, {"refresh_token": session.refresh_token}, profile.gateway_ca_file)
        store_session(file, gateway_url, None)
    result = {"url": gateway_url, "email": session.email if session else ""}
    print_result(result, as_json, lambda one: f"logged out of {one['url']}" if one["email"] else f"nobody was logged in at {one['url']}")


@click.command()
@add_gateway_options
@json_option
def whoami(url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show who is logged in, and what the role allows.

    \b
    herold whoami
    """
    print_result(load_gateway_client(url, api_key).get(ME_PATH), as_json, _format_person)


def _get_problem(response: httpx.Response) -> str:
    try:
        return str(response.json().get("type", ""))
    except (ValueError, AttributeError):
        return ""


def _build_login_error(response: httpx.Response) -> CommandError:
    try:
        body: Any = response.json()
        detail = str(body.get("detail") or body.get("title"))
    except (ValueError, AttributeError):
        return CommandError(f"the gateway responded with {response.status_code} and no JSON", "check that this is its address")
    wait = response.headers.get("retry-after")
    return CommandError(detail, f"try again in {wait} s" if wait else "", status=response.status_code)


def _format_login(result: JsonObject) -> RenderableType:
    return f"logged in at {result['url']} as {result['email']}; the session is in {result['file']}"


def _format_person(person: JsonObject) -> RenderableType:
    account = person["account"]
    return formatting.build_key_value_table(
        {
            "account": Text(account["id"], "bold"),
            "e-mail": account["email"],
            "name": account["name"],
            "role": account["role"],
            "project": person["project"] or "the default one",
            "session": person["session_id"],
            "may": ", ".join(person["permissions"]),
        }
    )
