"""The result of an attempt, and the protocol of a provider, which builds requests and parses their results."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Outcome, Status
from schemas.http import HttpRequest, HttpResult
from schemas.link_tokens import LinkTokens
from schemas.ports import Clock
from schemas.store_ports import EndpointView


class AttemptResult(Struct, frozen=True, gc=False):
    """The outcome of one attempt, with or without a call.

    `reason` is a value of schemas.enums.Reason or empty; `status` is set if the delivery's status differs from the usual one of its
    outcome; `retry_after` is in seconds, 0 without a Retry-After; `detail` is a text for operators, without address, content or token.
    `is_account_fault`: the credentials or the account are at fault, not the delivery, so every other call would fail as well.
    `has_failed`: the provider said in a complete answer that it has failed, by HTTP a 5xx (RFC 9110, 15.6). `is_answered`: an UNKNOWN one
    has a complete answer, so the provider was not too slow to give one.
    """

    outcome: Outcome
    reason: str = ""
    provider_code: int = 0
    provider_message_id: str = ""
    status: Status | None = None
    retry_after: float = 0.0
    detail: str = ""
    is_account_fault: bool = False
    has_failed: bool = False
    is_answered: bool = False


class Provider(Protocol):
    """One provider; it has no retries, no storage and no clock."""

    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> ChannelName: ...

    def get_account(self, delivery: Delivery) -> str:
        """The provider's account, or the origin of a webhook: the unit by which calls in flight are limited."""
        ...

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """The request, or the rejection of a delivery that cannot be sent. `now` is in epoch seconds."""
        ...

    def allow_address(self, host: str, address: str) -> bool:
        """Whether an address that `host` resolves to may be connected to; all, if the host is from the settings and not from a producer."""
        ...

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """The result of a call; `now` (epoch seconds) is used to convert dates in headers to seconds."""
        ...


class NumberedDelivery(NamedTuple):
    """One delivery of a call for several, with the number of its attempt."""

    delivery: Delivery
    attempt: int


class BatchResult(NamedTuple):
    """What a call for several deliveries came to.

    Without more it is the `result` of each of them. If the provider took none because of some, `rejected` has the results of those that it
    named, by index; `is_split`: it named none, so each half is to be sent alone.
    """

    result: AttemptResult
    rejected: Mapping[int, AttemptResult] = {}
    is_split: bool = False


@runtime_checkable
class BatchProvider(Protocol):
    """A provider that takes several deliveries in one call, if what they say is the same."""

    def get_batch_key(self, delivery: Delivery) -> Hashable | None:
        """What deliveries of one call have in common, at little cost: most that differ have different keys. None: it goes alone."""
        ...

    def has_same_content(self, first: Delivery, other: Delivery) -> bool:
        """Whether two deliveries with one key can go in one call."""
        ...

    def build_batch_request(self, deliveries: Sequence[NumberedDelivery], now: float) -> HttpRequest | AttemptResult:
        """One request for all. A result says why there is none; then each goes alone."""
        ...

    def parse_batch_result(self, result: HttpResult, count: int, now: float) -> BatchResult:
        """The result of a call for `count` deliveries."""
        ...


class Found(NamedTuple):
    """The provider has the message of a call without an answer: what became of it, its id there, and the provider's code and our reason."""

    status: Status
    provider_message_id: str = ""
    provider_code: int = 0
    reason: str = ""


class NotFound(NamedTuple):
    """The provider does not have the message."""


class LookUpFailed(NamedTuple):
    """The provider did not say whether it has the message; `cause` is a text for operators, without address, content or token."""

    cause: str


LookUpResult = Found | NotFound | LookUpFailed


class LookUp(Protocol):
    """Asks a provider whether it has the message of a delivery. Like a provider it has no retries, no storage and no clock."""

    def build_request(self, delivery: Delivery, since: float) -> HttpRequest:
        """The question for a message that was sent at `since` (epoch seconds) or a little later."""
        ...

    def parse_result(self, delivery: Delivery, since: float, result: HttpResult) -> LookUpResult:
        """The answer."""
        ...


@runtime_checkable
class SearchableProvider(Protocol):
    """A provider that can be asked which messages it has."""

    @property
    def look_up(self) -> LookUp: ...


@runtime_checkable
class EndpointProvider(Protocol):
    """A provider that calls registered webhook endpoints."""

    def use_endpoints(self, endpoints: EndpointView) -> None:
        """Look up the endpoints that deliveries name in this view."""
        ...


@runtime_checkable
class ReceiptSigningProvider(Protocol):
    """A provider whose recipients can confirm messages by a token."""

    def sign_receipts(self, tokens: LinkTokens) -> None:
        """Put a token into each message from now on."""
        ...


@runtime_checkable
class SourceReportingProvider(Protocol):
    """A provider whose reports say where the record of the delivery is, so that it can be read and sent again."""

    @property
    def reports_source(self) -> bool: ...


@runtime_checkable
class StartableProvider(Protocol):
    """A provider that needs something before its first call, such as an access token."""

    async def start(self, clock: Clock) -> None:
        """Get it; also returns, after some seconds, if that fails: the provider's results then say so."""
        ...
