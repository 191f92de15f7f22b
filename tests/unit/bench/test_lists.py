"""The requests of the scenario `lists`: each parameter is one of the list, and a cursor is of the list that it is sent with."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.api.document.operations import iterate_operations
from app.api.paging import name_list
from tests.bench.lists import DELIVERY_LISTS, NOTIFICATION_LISTS, OF_PROJECTS, Place, build_target

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs/reference/openapi.json").read_text())
PLACE = Place("dlv_1", "ntf_1", "u-1", 1_760_000_000.0)
LISTS = {"deliveries": DELIVERY_LISTS, "notifications": NOTIFICATION_LISTS}


def list_names(resource: str) -> set[str]:
    """The parameters of a list in the document."""
    (operation,) = [one for one in iterate_operations(DOCUMENT) if one.value["operationId"] == f"list_{resource}"]
    parts = [one["$ref"].rsplit("/", 1)[1] if "$ref" in one else one for one in operation.value["parameters"]]
    return {str((DOCUMENT["components"]["parameters"][part] if isinstance(part, str) else part)["name"]) for part in parts}


@pytest.mark.parametrize("resource", LISTS)
def test_each_parameter_is_one_of_the_list_and_each_cursor_of_this_list(resource: str) -> None:
    names, cursors = list_names(resource), 0
    for query in LISTS[resource].values():
        target = urlsplit(build_target(resource, query(PLACE), PLACE))
        values = dict(parse_qsl(target.query))
        assert values.keys() <= names
        if cursor := values.get("cursor"):
            key = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            assert key[0] == name_list(target.path, target.query)
            assert key[1:] == (["dlv_1", "ntf_1"] if resource == "deliveries" else ["ntf_1", "u-1"])
            cursors += 1
    assert cursors > 5


def test_what_is_measured_with_projects_is_measured_without_them() -> None:
    assert DELIVERY_LISTS.keys() >= OF_PROJECTS
