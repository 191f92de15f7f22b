"""The operations of an OpenAPI document, as built-in values."""

from collections.abc import Iterator
from typing import Any, NamedTuple

JsonObject = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")


class Operation(NamedTuple):
    """One method of one path; `value` is the operation object of the document."""

    path: str
    method: str
    value: JsonObject

    @property
    def is_public(self) -> bool:
        """Whether a request needs no API key and no access token."""
        security = self.value.get("security")
        return security is not None and not any(name in requirement for requirement in security for name in ("bearer", "api_key"))

    def get_parameter_names(self) -> set[str]:
        """The names of its parameters."""
        return {parameter["name"] for parameter in self.value.get("parameters", ())}


def iterate_operations(document: JsonObject) -> Iterator[Operation]:
    """All operations, in the order of the paths."""
    for path, methods in document["paths"].items():
        yield from (Operation(path, method, methods[method]) for method in METHODS if method in methods)
