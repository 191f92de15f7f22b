"""The bodies of requests about webhook endpoints, and of the responses that list them."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from schemas.webhook_endpoints import CreatedEndpoint, EndpointChange, EndpointRequest, EndpointStatistics, SecretRotation, WebhookEndpoint


class EndpointActionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an endpoint is enabled or disabled, for the audit log; the body may be empty."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


class PingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A test webhook; `data` goes into its payload beside the id of the endpoint. The body may be empty."""

    data: dict[str, Any] = {}


class WebhookEndpointPage(Struct, frozen=True):
    """Endpoints in the order of their creation; `next_cursor` is null on the last page."""

    items: list[WebhookEndpoint]
    next_cursor: str | None


WEBHOOK_ENDPOINT_BODIES: tuple[type[Struct], ...] = (
    EndpointRequest,
    EndpointChange,
    EndpointActionRequest,
    SecretRotation,
    PingRequest,
    CreatedEndpoint,
    EndpointStatistics,
    WebhookEndpointPage,
)
"""The structs that OpenAPI describes."""
