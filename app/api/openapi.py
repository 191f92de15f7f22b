"""The OpenAPI document: Litestar describes the routes, msgspec the schemas, from the structs that decode the bodies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
from litestar import Litestar, Request, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema, SecurityScheme
from litestar.routes import HTTPRoute
from msgspec import Struct

from agents.callbacks.fcm_acks import PushAck
from app.api.access import AUTHENTICATED, Access, list_declared_routes
from app.api.api_key_bodies import API_KEY_BODIES
from app.api.auth_bodies import AUTH_BODIES
from app.api.broadcast_requests import BROADCAST_BODIES
from app.api.dead_letter_bodies import DEAD_LETTER_BODIES
from app.api.document.completion import complete_document
from app.api.document.idempotency import add_idempotency_key
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails
from app.api.project_bodies import PROJECT_BODIES
from app.api.provider_bodies import PROVIDER_BODIES
from app.api.rate_limit_bodies import RateLimitChange
from app.api.repeated_requests import REPETITION, iterate_keyed_routes
from app.api.responses import RuleRollback
from app.api.rule_bodies import RULE_REQUESTS
from app.api.services.submission_validation import MAX_BULK_SIZE, BulkSubmission
from app.api.simulator_bodies import SIMULATOR_BODIES
from app.api.template_requests import TEMPLATE_REQUESTS
from app.api.view_bodies import VIEW_BODIES
from app.api.webhook_endpoint_bodies import WEBHOOK_ENDPOINT_BODIES
from schemas.erasures import ErasureRequest
from schemas.notification import NotificationChange, Submission
from schemas.permissions import Permission
from schemas.users import DeviceChange, PreferencePatch, PreferenceSet, SuppressionRequest, UserChange

SCHEMA_REF = "#/components/schemas/{name}"
REQUEST_STRUCTS = (
    Submission,
    BulkSubmission,
    NotificationChange,
    RuleRollback,
    RateLimitChange,
    UserChange,
    DeviceChange,
    PreferenceSet,
    PreferencePatch,
    SuppressionRequest,
    ErasureRequest,
    PushAck,
    *API_KEY_BODIES,
    *AUTH_BODIES,
    *PROJECT_BODIES,
    *BROADCAST_BODIES,
    *PROVIDER_BODIES,
    *DEAD_LETTER_BODIES,
    *RULE_REQUESTS,
    *TEMPLATE_REQUESTS,
    *WEBHOOK_ENDPOINT_BODIES,
    *SIMULATOR_BODIES,
    *VIEW_BODIES,
)
EXAMPLE_SUBMISSION = {
    "user_id": "u-42",
    "type": "account.otp",
    "data": {"code": "482193", "minutes": 5},
    "to": {"email": "a@example.org"},
    "priority": "high",
}


EXAMPLE_EVENT = {
    "specversion": "1.0",
    "id": "17",
    "source": "/shop/orders",
    "type": "order.shipped",
    "subject": "u-42",
    "time": "2026-11-28T07:43:33Z",
    "data": {"order": 17},
}
CLOUD_EVENT = {
    "title": "CloudEvent",
    "description": "An event by CloudEvents 1.0. The extensions userid, category, template, locale, priority, channels, sendat and "
    "expiresat are fields of the notification.",
    "type": "object",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        **{name: {"type": "string", "minLength": 1} for name in ("id", "source", "type")},
        "subject": {"type": "string", "description": "the user, unless userid or data.user_id names one"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string"},
        "data": {"type": "object"},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["specversion", "id", "source", "type"],
}


EXAMPLE_RULE = {
    "type": "order.shipped",
    "category": "transactional",
    "channels": ["email", "push"],
    "template": "order-shipped",
    "condition": "data.total > 0",
    "priorities": [{"when": "user.tier == 'gold'", "priority": "high"}],
}


def describe_problem(description: str) -> ResponseSpec:
    """A problem document as a response of a route."""
    return ResponseSpec(ProblemDetails, description=description, media_type=PROBLEM_MEDIA_TYPE)


UNAUTHORIZED = {401: describe_problem("the API key or access token is missing or wrong")}
INVALID = {422: describe_problem("the request is not valid; errors names the fields")}
STORE_UNAVAILABLE = {503: describe_problem("PostgreSQL does not answer")}
READING_RUNS = {429: describe_problem("another ledger or export is read in this process of the gateway")}


def _build_request_body(name: str, example: object) -> RequestBody:
    content = {"application/json": OpenAPIMediaType(schema=Reference(ref=SCHEMA_REF.format(name=name)), example=example)}
    return RequestBody(content=content, required=True)


def describe_body(schema: str, example: object) -> type[Operation]:
    """The class of an operation whose handler decodes the body itself; `schema` is the name of a struct in REQUEST_STRUCTS."""

    @dataclass
    class OperationWithBody(Operation):
        def __post_init__(self) -> None:
            self.request_body = _build_request_body(schema, example)

    return OperationWithBody


@dataclass
class SubmitOperation(Operation):
    """An operation whose request body is a Submission; the handler decodes it, so Litestar does not know it."""

    def __post_init__(self) -> None:
        body = _build_request_body("Submission", EXAMPLE_SUBMISSION)
        event = Reference(ref=SCHEMA_REF.format(name="CloudEvent"))
        body.content["application/cloudevents+json"] = OpenAPIMediaType(schema=event, example=EXAMPLE_EVENT)
        batch = Schema(type=OpenAPIType.ARRAY, items=event, min_items=1, max_items=MAX_BULK_SIZE)
        body.content["application/cloudevents-batch+json"] = OpenAPIMediaType(schema=batch, example=[EXAMPLE_EVENT])
        self.request_body = body


@dataclass
class SubmitBulkOperation(Operation):
    """An operation whose request body is an array of Submissions, or an object with such an array."""

    def __post_init__(self) -> None:
        self.request_body = _build_request_body("BulkRequest", [EXAMPLE_SUBMISSION])


class NoPage(OpenAPIRenderPlugin):
    """Stands for Litestar's own pages of the document, which load scripts from other hosts and know no permissions."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Raise NotFoundException."""
        raise NotFoundException


def build_openapi_config() -> OpenAPIConfig:
    """Litestar's part of the document, without its pages."""
    security_schemes: dict[str, SecurityScheme | Reference] = {
        "bearer": SecurityScheme(type="http", scheme="bearer"),
        "api_key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    }
    return OpenAPIConfig(
        title="Herold",
        version="0.1.0",
        description="Submits notifications, broadcasts and schedules, shows decisions, keeps users, preferences and templates.",
        components=Components(security_schemes=security_schemes),
        security=[{"bearer": []}, {"api_key": []}],
        use_handler_docstrings=True,
        render_plugins=[NoPage()],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, opt=AUTHENTICATED),
    )


def build_openapi_document(app: Litestar) -> dict[str, Any]:
    """The whole document as built-in values."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        _remove_framework_errors(operation["responses"])
    for route in list_declared_routes(app):
        if route.operation:
            _add_access(document["paths"][route.path][route.method.lower()], route.needs)
    for path, handler in iterate_keyed_routes(app):
        add_idempotency_key(document["paths"][path]["post"], shows_secret=REPETITION in handler.opt)
    _, schemas = msgspec.json.schema_components({*REQUEST_STRUCTS, *_iterate_response_structs(app)}, ref_template=SCHEMA_REF)
    items = {"type": "array", "items": {"$ref": SCHEMA_REF.format(name="Submission")}, "minItems": 1, "maxItems": MAX_BULK_SIZE}
    schemas["BulkRequest"] = {
        "title": "BulkRequest",
        "description": "Notifications, as a list or in an object.",
        "anyOf": [items, {"$ref": SCHEMA_REF.format(name="BulkSubmission")}],
    }
    schemas["Submission"]["example"] = EXAMPLE_SUBMISSION
    schemas["CloudEvent"] = CLOUD_EVENT
    document["components"]["schemas"].update(schemas)
    return complete_document(document)


def _iterate_response_structs(app: Litestar) -> Iterator[type[Struct]]:
    """The structs that routes answer with; msgspec describes them in more words than the framework."""
    for handler in (handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers):
        if handler.resolve_include_in_schema():
            yield from _iterate_structs(handler.parsed_fn_signature.return_type.annotation)
            yield from (struct for response in (handler.responses or {}).values() for struct in _iterate_structs(response.data_container))


def _iterate_structs(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    for part in get_args(annotation):
        yield from _iterate_structs(part)


def _add_access(operation: dict[str, Any], needs: Permission | Access) -> None:
    """Write what a route needs into its operation: the permission, or that no key is needed."""
    operation["x-permission"] = str(needs)
    if needs is Access.PUBLIC:
        operation["security"] = [{}]


def _remove_framework_errors(responses: dict[str, Any]) -> None:
    """Remove the 400 that Litestar adds to routes with parameters: the gateway responds with problem documents only."""
    if "400" in responses and PROBLEM_MEDIA_TYPE not in responses["400"]["content"]:
        del responses["400"]
