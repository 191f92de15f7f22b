"""The OpenAPI document: routes by Litestar, every schema by msgspec, which decodes by the same structs."""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, OpenAPIMediaType, Operation, Reference, RequestBody, SecurityScheme

from app.api.bodies import BulkTaken, Explained, Health, NotificationBody, Page, Readiness, Taken
from app.api.problems import MEDIA_TYPE, Problem
from app.api.submission import MAX_BULK, Bulk
from schemas.notification import Submission

REF = "#/components/schemas/{name}"
STRUCTS = (Submission, Bulk, Taken, BulkTaken, NotificationBody, Explained, Page, Health, Readiness, Problem)
EXAMPLE = {"user_id": "u-42", "type": "order.shipped", "data": {"order": 17}, "to": {"email": "a@example.org"}, "priority": "high"}


def _body(name: str, example: object) -> RequestBody:
    content = {"application/json": OpenAPIMediaType(schema=Reference(ref=REF.format(name=name)), example=example)}
    return RequestBody(content=content, required=True)


@dataclass
class TakesOne(Operation):
    """An operation whose body, read by our own decoder, is a Submission."""

    def __post_init__(self) -> None:
        self.request_body = _body("Submission", EXAMPLE)


@dataclass
class TakesBulk(Operation):
    """An operation whose body is an array of Submissions, or an object with such an array."""

    def __post_init__(self) -> None:
        self.request_body = _body("BulkBody", [EXAMPLE])


def config() -> OpenAPIConfig:
    """How Litestar generates its part; its own pages, which load scripts from elsewhere, are off."""
    keys: dict[str, SecurityScheme | Reference] = {
        "bearer": SecurityScheme(type="http", scheme="bearer"),
        "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    }
    return OpenAPIConfig(
        title="Herold",
        version="0.1.0",
        description="Notifications decided, delivered and proven.",
        components=Components(security_schemes=keys),
        security=[{"bearer": []}, {"key": []}],
        use_handler_docstrings=True,
        render_plugins=[],
    )


def document(app: Litestar) -> dict[str, Any]:
    """The whole document as plain values."""
    generated: dict[str, Any] = app.openapi_schema.to_schema()
    for operation in (operation for methods in generated["paths"].values() for operation in methods.values()):
        _drop_foreign_errors(operation["responses"])
    _, schemas = msgspec.json.schema_components(STRUCTS, ref_template=REF)
    items = {"type": "array", "items": {"$ref": REF.format(name="Submission")}, "minItems": 1, "maxItems": MAX_BULK}
    schemas["BulkBody"] = {"title": "BulkBody", "anyOf": [items, {"$ref": REF.format(name="Bulk")}]}
    schemas["Submission"]["example"] = EXAMPLE
    generated["components"]["schemas"].update(schemas)
    return generated


def _drop_foreign_errors(responses: dict[str, Any]) -> None:
    """Litestar lists an error body of its own wherever there are parameters; every error of ours is a Problem."""
    if "400" in responses and MEDIA_TYPE not in responses["400"]["content"]:
        del responses["400"]
