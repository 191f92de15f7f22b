"""What is wrong with the parameters of a request that the framework has found invalid, in words of HTTP."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from litestar.exceptions import ValidationException
from litestar.typing import FieldDefinition

from app.api.dependencies import ApiRequest
from app.api.problems import FieldError, build_field_error
from schemas.json_errors import describe_decode_error

_find_missing = re.compile(r"Missing required (?:query|header) parameter '(.+?)'").match
_NO_STRING = ", not a string"  # every parameter is one


def list_parameter_errors(request: ApiRequest, error: ValidationException) -> list[FieldError]:
    """The field errors of an exception; each names the parameter or header as the client writes it."""
    if missing := _find_missing(error.detail):
        return [build_field_error(f"$.{missing[1]}", "is missing")]
    extra = error.extra if isinstance(error.extra, list) else []
    parameters = _find_parameters(request)
    errors = [_describe(item, parameters.get(str(item.get("key")))) for item in extra if isinstance(item, Mapping)]
    return errors or [build_field_error("$", error.detail)]


def _find_parameters(request: ApiRequest) -> dict[str, FieldDefinition]:
    """Those of the handler, and those of what it depends on: several routes may share them."""
    handler = request.route_handler
    signatures = [*(provider.parsed_fn_signature for provider in handler.resolve_dependencies().values()), handler.parsed_fn_signature]
    return {name: parameter for signature in signatures for name, parameter in signature.parameters.items()}


def _describe(item: Mapping[str, Any], parameter: FieldDefinition | None) -> FieldError:
    definition = parameter.kwarg_definition if parameter else None
    path = f"$.{getattr(definition, 'name', None) or item.get('key', '')}"
    text = describe_decode_error(msgspec.ValidationError(str(item.get("message", ""))), b"").text
    choices = ", ".join(map(str, _iterate_choices(parameter.annotation))) if parameter else ""
    return build_field_error(path, f"must be one of {choices}" if choices else text.removesuffix(_NO_STRING))


def _iterate_choices(annotation: Any) -> Iterator[object]:
    """The values that a type has if they are listed."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from _iterate_choices(part)
