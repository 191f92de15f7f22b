"""The OpenAPI document of the gateway's routes, without a gateway."""

from functools import cache

from litestar.datastructures import State

from app.api.asgi import build_framework
from app.api.document.operations import JsonObject
from app.api.openapi import build_openapi_document


@cache
def build_openapi() -> JsonObject:
    """The OpenAPI 3.1 document, as GET /openapi.json responds with it; the same object at each call."""
    return build_openapi_document(build_framework(State(), body_limit=0))
