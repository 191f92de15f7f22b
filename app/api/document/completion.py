"""Completes the OpenAPI document that the framework and msgspec describe: errors, headers, parameters, examples, tags and components."""

from collections.abc import Mapping

from app.api.document.components import remove_unused_schemas, share_components
from app.api.document.errors import complete_errors
from app.api.document.examples import Examples
from app.api.document.operations import JsonObject, Operation, iterate_operations
from app.api.document.parameters import EXAMPLES, complete_parameters

DESCRIPTION = """Submits notifications, broadcasts and schedules, shows decisions, keeps users, preferences, rules and templates.

**Errors** are problem documents (RFC 9457, `application/problem+json`). Decide on `code`, which is stable; `detail` is a sentence for
people; `errors` names each invalid field with its JSON Pointer. **Lists** are keyset-paged: pass `next_cursor` of a page as `cursor` of the
next request. **ETag and If-Match** keep two people from overwriting each other. A repeated request with the same **Idempotency-Key** within
24 hours gets the first response. Each response has an **X-Request-Id**, which the log has too; a request may bring one."""

TAGS: Mapping[str, str] = {
    "notifications": "submit, follow, explain, cancel and reschedule notifications",
    "deliveries": "find deliveries by channel, status and provider",
    "analytics": "counts of the history, hand-over times, objectives, and the ledger",
    "users": "recipients with addresses, devices and attributes",
    "preferences": "what users choose to get, and who changed it",
    "suppressions": "addresses and users that nothing is sent to",
    "templates": "the versions of templates: draft, preview, publish, roll back",
    "rules": "what a type of notification is: category, priority, channels, template",
    "audiences": "the users of a broadcast or schedule",
    "broadcasts": "one notification for each user of an audience",
    "schedules": "broadcasts again and again, at times of a time zone",
    "rate limits": "how many notifications a user gets in a time",
    "dead letters": "what could not be processed",
    "redrives": "dead letters that are sent again",
    "webhook endpoints": "URLs that get notifications or statuses",
    "API keys": "the keys of producers",
    "audit": "who changed what, in a chain of hashes",
    "callbacks": "reports of providers and apps",
    "login": "sessions of people: passwords, authenticator apps, passkeys, the OpenID provider",
    "accounts": "the people who may log in",
    "views": "named filters of the pages of the dashboard",
    "operations": "liveness, readiness and metrics",
}
HEADERS: Mapping[str, JsonObject] = {
    "X-Request-Id": {
        "description": "the id of the request, which its log line and problem document have: that of the request if it is well formed",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "example": EXAMPLES["X-Request-Id"],
    },
    "ETag": {
        "description": "the version of the resource; send it as If-Match with a change",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
        "example": EXAMPLES["If-Match"],
    },
    "Retry-After": {
        "description": "seconds until a repeated request may succeed",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "RateLimit": {
        "description": "of the limit with the fewest requests left: how many, and in how many seconds it is full again",
        "schema": {"type": "string"},
        "example": '"key";r=1600;t=4',
    },
    "RateLimit-Policy": {
        "description": "the limits of the request: how many requests, and in how many seconds so many become possible again",
        "schema": {"type": "string"},
        "example": '"key";q=2000;w=20, "project";q=10000;w=50',
    },
    "WWW-Authenticate": {"description": "how to authenticate", "schema": {"type": "string"}, "example": "Bearer"},
}
RESULTS = {200: "the result", 201: "created", 202: "accepted", 204: "done; the response has no body"}
_FRAMEWORK_TEXTS = ("Request fulfilled, document follows", "Document created, URL follows", "Request fulfilled, nothing follows")


def complete_document(document: JsonObject) -> JsonObject:
    """The same document, complete; its operations name their own errors, bodies and what they need already."""
    document["info"] |= {"description": DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    document["components"]["headers"] = dict(HEADERS)
    examples = Examples(document["components"]["schemas"])
    versioned = {operation.path for operation in iterate_operations(document) if "If-Match" in operation.get_parameter_names()}
    for operation in iterate_operations(document):
        complete_parameters(operation, document["components"]["schemas"])
        complete_errors(operation)
        _complete_results(operation, operation.path in versioned, document["components"]["schemas"])
        examples.complete(operation)
        _remove_defaults(operation)
    document["tags"] = _describe_tags(document)
    share_components(document)
    remove_unused_schemas(document)
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def _complete_results(operation: Operation, is_versioned: bool, schemas: JsonObject) -> None:
    for status, response in operation.value["responses"].items():
        headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
        if is_versioned and status in ("200", "201"):
            headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        response["headers"] = {**response.get("headers", {}), **headers}
        if response["description"].startswith(_FRAMEWORK_TEXTS):
            response["description"] = _describe_result(int(status), response, schemas)


def _describe_result(status: int, response: JsonObject, schemas: JsonObject) -> str:
    """What a response has: the first sentence about its schema."""
    for content in response.get("content", {}).values():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in schemas and schemas[name].get("description"):
            return str(schemas[name]["description"]).partition("\n")[0]
    return RESULTS.get(status, "the result")


def _remove_defaults(operation: Operation) -> None:
    if operation.value.get("deprecated") is False:
        del operation.value["deprecated"]
    for response in operation.value["responses"].values():
        if not response.get("headers", True):
            del response["headers"]


def _describe_tags(document: JsonObject) -> list[JsonObject]:
    names = dict.fromkeys(tag for operation in iterate_operations(document) for tag in operation.value.get("tags", ()))
    ordered = sorted(names, key=lambda name: [*TAGS].index(name) if name in TAGS else len(TAGS))
    return [{"name": name, "description": TAGS.get(name, f"the operations on {name}")} for name in ordered]
