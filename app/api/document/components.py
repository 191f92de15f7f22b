"""What several operations of an OpenAPI document share, as components: parameters and responses that are the same; unused schemas go."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.api.document.operations import JsonObject, iterate_operations

MAX_NAME_WORDS = 9
STATUS_NAMES: Mapping[str, str] = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "NotFound",
    "408": "Timeout",
    "409": "Conflict",
    "412": "PreconditionFailed",
    "413": "TooLarge",
    "415": "UnsupportedMediaType",
    "422": "Invalid",
    "428": "PreconditionRequired",
    "429": "TooManyRequests",
    "431": "HeadersTooLarge",
    "500": "Internal",
    "503": "Unavailable",
}
_REF = re.compile(rb'"#/components/schemas/([^"]+)"')
_WORD = re.compile(r"[A-Za-z0-9]+")
_encode = msgspec.json.Encoder(order="sorted").encode


def share_components(document: JsonObject) -> None:
    """Replace what occurs in several operations by references."""
    components = document["components"]
    components["parameters"] = _share([one for operation in iterate_operations(document) for one in _list_parameter_slots(operation.value)])
    components["responses"] = _share([one for operation in iterate_operations(document) for one in _list_error_slots(operation.value)])


def remove_unused_schemas(document: JsonObject) -> None:
    """Remove the schemas that nothing refers to, and sort the others by name."""
    schemas = document["components"]["schemas"]
    rest = {**document, "components": {key: value for key, value in document["components"].items() if key != "schemas"}}
    wanted = set(_find_refs(rest))
    open_names = sorted(wanted)
    while open_names:
        found = set(_find_refs(schemas[open_names.pop()])) - wanted
        wanted |= found
        open_names.extend(found)
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(wanted)}


class _Slot:
    """A place of the document whose value may become a reference; `kind` is the component's place, `name` what it would like to be."""

    def __init__(self, holder: Any, key: Any, kind: str, name: str) -> None:
        self.holder, self.key, self.kind, self.name = holder, key, kind, name

    @property
    def value(self) -> JsonObject:
        value: JsonObject = self.holder[self.key]
        return value


def _list_parameter_slots(operation: JsonObject) -> Iterator[_Slot]:
    parameters = operation.get("parameters", [])
    for index, parameter in enumerate(parameters):
        yield _Slot(parameters, index, "parameters", _join_words(parameter["name"].replace("_", " ")))


def _list_error_slots(operation: JsonObject) -> Iterator[_Slot]:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            name = STATUS_NAMES.get(status, f"Error{status}") + _join_words(response["description"])
            yield _Slot(operation["responses"], status, "responses", name)


def _share(slots: list[_Slot]) -> JsonObject:
    """The components for the values that occur in several of these slots, which refer to them then."""
    places: dict[bytes, list[_Slot]] = defaultdict(list)
    for slot in slots:
        places[_encode(slot.value)].append(slot)
    shared: JsonObject = {}
    # the most frequent one first: it gets the plain name
    for same in sorted((same for same in places.values() if len(same) > 1), key=lambda same: (-len(same), same[0].name)):
        value, name = same[0].value, _find_free_name(shared, same[0])
        shared[name] = value
        for slot in same:
            slot.holder[slot.key] = {"$ref": f"#/components/{slot.kind}/{name}"}
    return dict(sorted(shared.items()))


def _find_free_name(shared: JsonObject, slot: _Slot) -> str:
    if slot.name not in shared:
        return slot.name
    longer = slot.name + _join_words(slot.value.get("description", ""))
    return longer if longer not in shared else f"{longer}{sum(name.startswith(longer) for name in shared) + 1}"


def _join_words(text: str) -> str:
    """A text as one word: `Idempotency-Key` is IdempotencyKey."""
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(text)[:MAX_NAME_WORDS])


def _find_refs(value: Any) -> Iterator[str]:
    return (name.decode() for name in _REF.findall(msgspec.json.encode(value)))
