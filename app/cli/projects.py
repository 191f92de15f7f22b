"""`herold projects`: creates, lists and changes projects, and makes the first key of one."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import click
from rich.console import RenderableType

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.api_keys import format_key, scope_option
from app.cli.errors import CommandError
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from schemas.permissions import Role

PROJECTS_PATH = "/v1/projects"
DEFAULT = "default"
_ENCRYPTS = {"yes": True, "no": False, DEFAULT: None}

F = TypeVar("F", bound=Callable[..., Any])


class OrDefault(click.ParamType):
    """A number, or the word `default` for what the settings say."""

    name = "number"

    def __init__(self, number: click.ParamType) -> None:
        self._number = number

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or the word."""
        return value if value == DEFAULT else self._number.convert(value, param, ctx)


def add_setting_options(command: F) -> F:
    """Add the options of what operators choose for a project."""
    weight = click.option("--weight", type=click.IntRange(1, 1000), help="Its share: times the default rate and burst of projects.")
    rate = click.option("--rate", type=OrDefault(click.FloatRange(0, min_open=True)), help="Notifications a second; or `default`.")
    burst = click.option("--burst", type=OrDefault(click.IntRange(1)), help="Notifications at once; or `default`.")
    encrypts = click.option("--encrypts", type=click.Choice(list(_ENCRYPTS)), help="Whether personal data of its users is encrypted.")
    return weight(rate(burst(encrypts(command))))


@click.group()
def projects() -> None:
    """Create, list and change projects, and make the first key of one.

    \b
    herold projects create acme --name "Acme Ltd"
    herold projects create-key acme first --role admin
    """


@projects.command()
@click.argument("project_id", metavar="ID")
@click.option("--name", required=True, help="For people.")
@add_setting_options
@add_gateway_options
@json_option
def create(project_id: str, name: str, url: str | None, api_key: str | None, as_json: bool, **chosen: Any) -> None:
    """Create a project; its ID is a part of what belongs to it, and stays.

    \b
    herold projects create acme --name "Acme Ltd" --rate 100 --burst 1000
    """
    created = load_operator_client(url, api_key).post(PROJECTS_PATH, {"id": project_id, "name": name, **_build_settings(chosen)})
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
@click.option("--name", help="The new name.")
@add_setting_options
@add_gateway_options
@json_option
def change(project_id: str, name: str | None, url: str | None, api_key: str | None, as_json: bool, **chosen: Any) -> None:
    """Change the name, weight, rate or encryption of a project; what is not given stays. A rate counts after a few seconds.

    \b
    herold projects change acme --name "Acme Holding"
    herold projects change acme --rate default --burst default --weight 3
    """
    body = {**({} if name is None else {"name": name}), **_build_settings(chosen)}
    if not body:
        raise CommandError("nothing would change", "give --name, --weight, --rate, --burst or --encrypts")
    api, path = load_operator_client(url, api_key), f"{PROJECTS_PATH}/{quote(project_id, safe='')}"
    print_result(api.change("PATCH", path, body, api.get(path)["version"]), as_json, _format_project)


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


def _build_settings(chosen: dict[str, Any]) -> JsonObject:
    """The fields of a body for the options that were given; null for `default`."""
    given = {name: value for name, value in chosen.items() if value is not None}
    if "encrypts" in given:
        given["encrypts"] = _ENCRYPTS[given["encrypts"]]
    return {name: None if value == DEFAULT else value for name, value in given.items()}


def _describe_settings(project: JsonObject) -> dict[str, str]:
    numbers = {name: DEFAULT if project[name] is None else f"{project[name]:g}" for name in ("rate", "burst")}
    encrypts = next(word for word, value in _ENCRYPTS.items() if value is project["encrypts"])
    return {"weight": str(project["weight"]), **numbers, "encrypts": encrypts}


def _format_project(project: JsonObject) -> RenderableType:
    created = f"{formatting.format_datetime(project['created_at'])} by {project['created_by']}"
    values = {"project": project["id"], "name": project["name"], **_describe_settings(project), "created": created}
    return formatting.build_key_value_table(values)


def _format_projects(page: JsonObject) -> RenderableType:
    table = formatting.build_table("project", "name", "weight", "rate", "burst", "encrypts", "created")
    for project in page["items"]:
        created = formatting.format_datetime(project["created_at"])
        table.add_row(project["id"], project["name"], *_describe_settings(project).values(), created)
    return format_page(table, page)
