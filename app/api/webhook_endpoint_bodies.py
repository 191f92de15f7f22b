"""The bodies of requests about webhook endpoints, and of the responses that list them."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from schemas.endpoint_attempts import EndpointAttempt
from schemas.enums import Outcome, Status
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


class EndpointAttemptPage(Struct, frozen=True):
    """Attempts at an endpoint, the newest first; `next_cursor` is null on the last page."""

    items: list[EndpointAttempt]
    next_cursor: str | None


_UUID: Final = "01a2211d759678619811269291aeed15"
EXAMPLE_ATTEMPT_PAGE: Final = EndpointAttemptPage(
    [
        EndpointAttempt(
            id="01a2211d759678619811269253ab07c1",
            occurred_at=1_795_851_813.0,  # 2026-11-28 07:43:33 UTC
            delivery_id=f"dlv_{_UUID}",
            notification_id=f"ntf_{_UUID}",
            user_id="u-partner-north",
            type="order.shipped",
            attempt=0,
            redrive_count=0,
            outcome=Outcome.UNKNOWN,
            status=Status.PENDING,
            reason="",
            code=503,
            duration_ms=41.7,
            possible_duplicate=False,
            detail="",
            next_attempt_at=1_795_851_818.0,
        )
    ],
    "WyJhMmI0YzYiLCIxNzk1ODUxODEzMDAwMDAwIl0",
)

WEBHOOK_ENDPOINT_BODIES: tuple[type[Struct], ...] = (
    EndpointRequest,
    EndpointChange,
    EndpointActionRequest,
    SecretRotation,
    PingRequest,
    CreatedEndpoint,
    EndpointStatistics,
    WebhookEndpointPage,
    EndpointAttemptPage,
)
"""The structs that OpenAPI describes."""
