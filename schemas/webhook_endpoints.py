"""Webhook endpoints: URLs that a user, or a producer for statuses, has registered; times in epoch seconds."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.enums import Status
from schemas.notification import UserId
from schemas.user_validation import FieldProblem, find_nul
from schemas.users import Label

ENDPOINT_PREFIX = "whe_"
MESSAGE_PREFIX = "whm_"
"""Of the id that stands in the place of a notification's in a delivery that belongs to none: a ping, or a status for a producer."""

PUBLIC_KEY_PREFIX = "whpk_"
PING_TYPE = "herold.ping"
STATUS_TYPE = "herold.delivery_status"
DISABLED_TYPE = "herold.webhook_disabled"

MAX_OVERLAP = 86_400
"""Seconds for which both secrets sign after a rotation; the default, and the most."""

EndpointKind = Literal["user", "status"]
SignatureKind = Literal["hmac", "ed25519"]
DisabledReason = Literal["", "gone", "failing", "operator"]
ReportedStatus = Literal["SENT", "DELIVERED", "FAILED", "BOUNCED", "UNSUBSCRIBED"]

TypeFilter = Annotated[str, Meta(pattern=r"^[^\x00-\x20*]{1,160}\*?$", description="a type, or order.* for all that begin with order.")]
TypeFilters = Annotated[list[TypeFilter], Meta(max_length=100, description="empty: all types")]
Categories = Annotated[list[Label], Meta(max_length=100, description="of a status endpoint; empty: all categories")]
Statuses = Annotated[list[ReportedStatus], Meta(max_length=5, description="of a status endpoint; empty: the final ones")]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Ordered = Annotated[
    bool,
    Meta(
        description="the webhooks of a user come one after the other; while one is retried, those after it wait. Between different"
        " priorities no order is promised"
    ),
]
Description = Annotated[str, Meta(max_length=1000)]


class EndpointRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new endpoint: of a user, who gets webhooks of notifications; or of kind `status`, which gets the statuses of all deliveries.

    `is_test`: a status endpoint that gets the statuses of tests, and no others.
    """

    url: Url
    kind: EndpointKind = "user"
    user_id: Annotated[UserId | None, Meta(description="whose endpoint it is; none for a status endpoint")] = None
    description: Description = ""
    types: TypeFilters = []
    categories: Categories = []
    statuses: Statuses = []
    signature: SignatureKind = "hmac"
    is_test: bool = False
    ordered: Ordered = False


class EndpointChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes of an endpoint; what is left out stays as it is."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    types: TypeFilters | UnsetType = UNSET
    categories: Categories | UnsetType = UNSET
    statuses: Statuses | UnsetType = UNSET
    ordered: Ordered | UnsetType = UNSET


class SecretRotation(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new secret; for `overlap` seconds the old one signs, too. 0, for one that leaked: no secret but the new one signs any more."""

    overlap: Annotated[int, Meta(ge=0, le=MAX_OVERLAP)] = MAX_OVERLAP


class SecretInfo(Struct, frozen=True):
    """A secret that signs: since when, and until when it does; `public_key` is `whpk_` and base64 with ed25519, else empty."""

    created_at: float
    expires_at: float | None
    public_key: str


class WebhookEndpoint(Struct, frozen=True):
    """A stored endpoint; `version` is the ETag. `secrets` describes the current one, and the one before while it signs, too."""

    id: str
    kind: EndpointKind
    user_id: str | None
    url: str
    description: str
    types: list[str]
    categories: list[str]
    statuses: list[str]
    signature: SignatureKind
    is_enabled: bool
    disabled_reason: DisabledReason
    disabled_at: float | None
    secrets: list[SecretInfo]
    version: int
    created_at: float
    updated_at: float
    is_test: bool = False
    ordered: bool = False


class CreatedEndpoint(WebhookEndpoint, frozen=True, kw_only=True):
    """An endpoint with its new secret, which is shown only now; with ed25519 it is empty: the public key is in `secrets`."""

    secret: str


class EndpointHour(Struct, frozen=True):
    """The calls of an hour, which begins at `at`: those answered with 2xx, and all others."""

    at: float
    succeeded: int
    failed: int


class EndpointStatistics(Struct, frozen=True):
    """The calls of an endpoint by hour, without hours that had none; `success_rate` is between 0 and 1, null without calls.

    `failing_since` is the first failure since the last success, null if the last call succeeded.
    """

    succeeded: int
    failed: int
    success_rate: float | None
    last_success_at: float | None
    last_failure_at: float | None
    failing_since: float | None
    last_code: int
    hours: list[EndpointHour]


class PingResult(Struct, frozen=True):
    """What became of a test webhook: the status of its delivery, and the HTTP status of the endpoint's answer, 0 if there is none."""

    delivery_id: str
    status: Status
    reason: str = ""
    code: int = 0
    duration_ms: float = 0.0
    detail: str = ""


class SigningEndpoint(Struct, frozen=True):
    """What a worker needs to call an endpoint: its state, and its secrets as they are stored, of which the first is the current one."""

    id: str
    signature: SignatureKind
    is_enabled: bool
    version: int
    secret: bytes
    previous_secret: bytes = b""
    previous_expires_at: float = 0.0


DELETED = SigningEndpoint("", "hmac", False, 0, b"")
"""Stands for an endpoint that there is no more."""


def encode_public_key(public_key: bytes) -> str:
    """A public key as the customer's verifier takes it (Standard Webhooks 1.0); empty for none."""
    return PUBLIC_KEY_PREFIX + b64encode(public_key).decode() if public_key else ""


def matches_type(filters: Iterable[str], type_: str) -> bool:
    """Whether one of the filters takes a type: itself, or with `*` at the end any that begins as it does. An empty list takes all."""
    is_empty = True
    for one in filters:
        is_empty = False
        if one == type_ or (one[-1:] == "*" and type_.startswith(one[:-1])):
            return True
    return is_empty


def find_request_problems(request: EndpointRequest) -> Iterator[FieldProblem]:
    """Why an endpoint cannot be written like this; its URL is checked elsewhere."""
    yield from find_nul(msgspec.to_builtins(request))
    if (request.kind == "user") != (request.user_id is not None):
        problem = "is needed: whose endpoint is it?" if request.user_id is None else "an endpoint of kind status belongs to no user"
        yield FieldProblem("$.user_id", problem)
    if request.is_test and request.kind == "user":
        yield FieldProblem("$.is_test", "only an endpoint of kind status has it: webhooks of tests go to nobody")
    yield from find_filter_problems(request.kind, request.categories, request.statuses)


def find_filter_problems(kind: EndpointKind, categories: list[str], statuses: list[ReportedStatus]) -> Iterator[FieldProblem]:
    """Why an endpoint of this kind cannot have these filters."""
    if kind == "status":
        return
    for name, values in (("categories", categories), ("statuses", statuses)):
        if values:
            yield FieldProblem(f"$.{name}", "only an endpoint of kind status has it")
