"""The declared variables of a template: a JSON Schema that the data of a notification must satisfy.

jsonschema-rs compiles a schema once. It fetches no reference, its patterns take linear time, and its messages do not quote the data.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import Struct

MAX_SCHEMA_BYTES = 64 * 1024
MAX_PATH_CHARACTERS = 256
CACHE_SIZE = 4096  # schemas; as many templates as an installation has
_MASK = "the value"


class InvalidSchema(Exception):
    """What is wrong with a schema, and where."""


class Violation(Struct, frozen=True):
    """The first place where the data is not as declared: a path such as `$.data.items[0].sku`, and the problem."""

    path: str
    problem: str


class Variables:
    """A compiled schema. Raises InvalidSchema."""

    def __init__(self, schema: str) -> None:
        if len(schema.encode()) > MAX_SCHEMA_BYTES:
            raise InvalidSchema(f"the schema has more than {MAX_SCHEMA_BYTES} bytes")
        try:
            self._validator = jsonschema_rs.validator_for(
                msgspec.json.decode(schema),
                offline=True,
                validate_formats=True,
                ignore_unknown_formats=False,
                pattern_options=jsonschema_rs.RegexOptions(),
                mask=_MASK,
            )
        except jsonschema_rs.ValidationError as error:
            raise InvalidSchema(f"{error.message} - at {format_path('variables', error.instance_path)}") from error
        except (ValueError, RecursionError) as error:
            raise InvalidSchema(str(error)) from error

    def find_violation(self, data: Mapping[str, Any]) -> Violation | None:
        """The first violation; None if the data is as declared."""
        try:
            if self._validator.is_valid(data):
                return None
            for error in self._validator.iter_errors(data):
                return Violation(format_path("$.data", _name_missing(error)), error.message)
        except UnicodeEncodeError:
            return Violation("$.data", "a text contains half a surrogate pair")
        except (ValueError, RecursionError) as error:
            return Violation("$.data", f"it cannot be checked: {error}")
        return None


def _name_missing(error: jsonschema_rs.ValidationError) -> list[str | int]:
    """The path of the value, and of a missing member the path that it should have."""
    missing = getattr(error.kind, "property", None)
    return [*error.instance_path, *([missing] if isinstance(missing, str) else [])]


def format_path(root: str, parts: Sequence[str | int]) -> str:
    """The JSONPath of a place below the root; long names are cut."""
    names = (f"[{part}]" if isinstance(part, int) else f".{part}" if part.isidentifier() else f"['{part[:64]}']" for part in parts)
    return (root + "".join(names))[:MAX_PATH_CHARACTERS]


@lru_cache(CACHE_SIZE)
def compile_variables(schema: str) -> Variables:
    """The compiled schema; each is compiled once. Raises InvalidSchema."""
    return Variables(schema)
