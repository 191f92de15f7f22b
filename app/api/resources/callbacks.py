"""The resource /v1/callbacks: what providers and apps report. No API key: each request has a signature."""

from dataclasses import dataclass
from typing import Final

from litestar import Router, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from agents.callbacks import fcm_acks, sendgrid_events, sendgrid_signature, twilio_events, twilio_signature
from app.api.access import PUBLIC
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.services.callback_service import FORM_TYPE, INBOUND_PATH, STATUS_PATH

CALLBACK_PATHS = frozenset({"/v1/callbacks/sendgrid", STATUS_PATH, INBOUND_PATH, "/v1/callbacks/fcm/ack"})
MAX_ACK_BYTES: Final = 4096  # a token has at most 2,048 characters

EXAMPLE_EVENTS = [
    {
        "email": "ada@example.org",
        "timestamp": 1760000060,
        "event": "delivered",
        "sg_event_id": "ZGVsaXZlcmVkLTAtNDI",
        "sg_message_id": "14c5d75ce93.filter0001.16648.5515E0B88.0",
        "delivery_id": "dlv_0199c82cc00070008000000000000001",
        "attempt": "0",
        "redrive_count": "0",
    }
]
REFUSALS = {
    403: describe_problem("the signature is missing or wrong"),
    404: describe_problem("callbacks of this provider are not configured"),
    413: describe_problem("the body is too large"),
    503: describe_problem("Kafka did not confirm the events; the provider sends the request again"),
}
MALFORMED = {422: describe_problem("the body is signed, and not what the provider documents")}


@dataclass
class EventsOperation(Operation):
    """An operation whose body is SendGrid's; the handler decodes it after it has verified it."""

    def __post_init__(self) -> None:
        schema = Schema(
            type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT), description="events as SendGrid's Event Webhook sends them"
        )
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=schema, example=EXAMPLE_EVENTS)}, required=True
        )


@dataclass
class FormOperation(Operation):
    """An operation whose body is a form of Twilio."""

    def __post_init__(self) -> None:
        schema = Schema(
            type=OpenAPIType.OBJECT, additional_properties=Schema(type=OpenAPIType.STRING), description="parameters as Twilio sends them"
        )
        self.request_body = RequestBody(content={FORM_TYPE: OpenAPIMediaType(schema=schema)}, required=True)


@post(
    "/sendgrid",
    opt=PUBLIC,
    operation_class=EventsOperation,
    status_code=204,
    responses={**REFUSALS, **MALFORMED},
    summary="Take the events of SendGrid's Event Webhook",
    operation_id="receive_sendgrid_events",
)
async def receive_sendgrid_events(request: ApiRequest) -> None:
    """The signature is in the headers X-Twilio-Email-Event-Webhook-Signature and -Timestamp. Unknown kinds of events are accepted."""
    service = get_dependencies(request).callbacks
    signature, timestamp = (
        _get_header(request, name) for name in (sendgrid_signature.SIGNATURE_HEADER, sendgrid_signature.TIMESTAMP_HEADER)
    )
    service.require_sendgrid(signature, timestamp)
    await service.take_sendgrid(signature, timestamp, await _read_body(request, sendgrid_events.PROVIDER, service.max_bytes))


@post(
    "/twilio",
    opt=PUBLIC,
    operation_class=FormOperation,
    status_code=204,
    responses=REFUSALS,
    summary="Take a status callback of Twilio",
    operation_id="receive_twilio_status",
)
async def receive_twilio_status(request: ApiRequest) -> None:
    """The signature is in the header X-Twilio-Signature; the query names the delivery, as the request to Twilio did."""
    await _take_twilio(request, STATUS_PATH)


@post(
    "/twilio/inbound",
    opt=PUBLIC,
    operation_class=FormOperation,
    status_code=204,
    responses=REFUSALS,
    summary="Take a message that a recipient wrote",
    operation_id="receive_twilio_message",
)
async def receive_twilio_message(request: ApiRequest) -> None:
    """STOP suppresses the number, START undoes that, HELP is recorded; Twilio answers the recipient. Any other message is ignored."""
    await _take_twilio(request, INBOUND_PATH)


@post(
    "/fcm/ack",
    opt=PUBLIC,
    operation_class=describe_body("PushAck", {"token": "<herold_receipt>", "event": "delivered"}),
    status_code=204,
    responses={**REFUSALS, **MALFORMED},
    summary="Acknowledge a push message",
    operation_id="receive_push_ack",
)
async def receive_push_ack(request: ApiRequest) -> None:
    """The app that got the message sends the token `herold_receipt` of its data back, and whether it was delivered, opened or clicked."""
    service = get_dependencies(request).callbacks
    await service.take_push_ack(await _read_body(request, fcm_acks.PROVIDER, MAX_ACK_BYTES))


async def _take_twilio(request: ApiRequest, path: str) -> None:
    service = get_dependencies(request).callbacks
    signature = _get_header(request, twilio_signature.SIGNATURE_HEADER)
    service.require_twilio(signature)
    body = await _read_body(request, twilio_events.PROVIDER, service.max_bytes)
    key_settings, content_type = (
        _get_header(request, name).decode("latin-1") for name in (twilio_signature.SIGNATURE_SETTINGS_HEADER, b"content-type")
    )
    query = request.scope["query_string"].decode("latin-1")
    await service.take_twilio(path, query, signature, key_settings, content_type, body)


def _get_header(request: ApiRequest, name: bytes) -> bytes:
    """The raw value of a header; empty if the request has none. Of several it is the first one."""
    return next((value for header, value in request.scope["headers"] if header == name), b"")


async def _read_body(request: ApiRequest, provider: str, limit: int) -> bytes:
    """The raw body, of which at most `limit` bytes are read. Raises ProblemError."""
    service = get_dependencies(request).callbacks
    length = _get_header(request, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise service.reject_too_large(provider, limit)
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise service.reject_too_large(provider, limit)
        parts.append(part)
    return b"".join(parts)


router = Router(
    "/v1/callbacks",
    route_handlers=[receive_sendgrid_events, receive_twilio_status, receive_twilio_message, receive_push_ack],
    tags=["callbacks"],
)
