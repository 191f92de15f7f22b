"""`herold projects`: creates, lists and renames projects, and makes the first key of one."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.api_keys import format_key, scope_option
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from schemas.permissions import Role

PROJECTS_PATH = "/v1/projects"


@click.group()
def projects() -> None:
    """Create, list and rename projects, and make the first key of one.

    \b
    herold projects create acme --name "Acme Ltd"
    herold projects create-key acme first --role admin
    """


@projects.command()
@click.argument("project_id", metavar="ID")
@click.option("--name", required=True, help="For people.")
@add_gateway_options
@json_option
def create(project_id: str, name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Create a project; its ID is a part of what belongs to it, and stays.

    \b
    herold projects create acme --name "Acme Ltd"
    """
    created = load_operator_client(url, api_key).post(PROJECTS_PATH, {"id": project_id, "name": name})
    print_result(created, as_json, _format_project)


@projects.command("list")
@click.option("--search", help="Part of an id or name.")
@add_page_options
@add_gateway_options
@json_option
def list_projects(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List projects in the order of their ids, without the default one.

    \b
    herold projects list
    """
    print_result(load_gateway_client(url, api_key).get(PROJECTS_PATH, **select_given(**options)), as_json, _format_projects)


@projects.command()
@click.argument("project_id", metavar="ID")
@click.option("--name", required=True, help="The new name.")
@add_gateway_options
@json_option
def rename(project_id: str, name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Give a project another name.

    \b
    herold projects rename acme --name "Acme Holding"
    """
    api, path = load_operator_client(url, api_key), f"{PROJECTS_PATH}/{quote(project_id, safe='')}"
    print_result(api.change("PATCH", path, {"name": name}, api.get(path)["version"]), as_json, _format_project)


@projects.command("create-key")
@click.argument("project_id", metavar="ID")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the key is for.")
@scope_option
@add_gateway_options
@json_option
def create_key(project_id: str, name: str, role: str, scopes: Sequence[str], url: str | None, api_key: str | None, as_json: bool) -> None:
    """Create a key of a project, and print its text, which is shown only now.

    \b
    herold projects create-key acme first --role admin
    """
    path = f"{PROJECTS_PATH}/{quote(project_id, safe='')}/api-keys"
    created = load_operator_client(url, api_key).post(path, {"name": name, "role": role, "scopes": list(scopes)})
    print_result(created, as_json, format_key)


def _format_project(project: JsonObject) -> RenderableType:
    created = f"{formatting.format_datetime(project['created_at'])} by {project['created_by']}"
    return formatting.build_key_value_table({"project": project["id"], "name": project["name"], "created": created})


def _format_projects(page: JsonObject) -> RenderableType:
    table = formatting.build_table("project", "name", "created")
    for project in page["items"]:
        table.add_row(project["id"], project["name"], formatting.format_datetime(project["created_at"]))
    return format_page(table, page)
