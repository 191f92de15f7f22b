"""What one attempt came to, and what a provider must be able to do: say a delivery as a request, and an answer as an outcome."""

from typing import Protocol

from msgspec import Struct

from schemas.delivery import Delivery
from schemas.enums import Channel, Outcome, Status
from schemas.ports import HttpRequest, HttpResult


class AttemptResult(Struct, frozen=True, gc=False):
    """The outcome of one call, or of none if the delivery could not be sent at all.

    `reason` is a word of schemas.enums.Reason or empty; `status` says what becomes of the delivery where that is not the outcome's usual
    status; `retry_after` are seconds the provider asked for, 0 if it did not; `detail` is for a person and holds no address, text or token.
    """

    outcome: Outcome
    reason: str = ""
    provider_code: int = 0
    provider_message_id: str = ""
    status: Status | None = None
    retry_after: float = 0.0
    detail: str = ""


class Provider(Protocol):
    """One provider: no retries, no storage, no clock."""

    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> Channel: ...

    def get_account(self, delivery: Delivery) -> str:
        """What its calls in flight are counted by: the provider's account, or the origin of a webhook."""
        ...

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """The request, or the rejection of a delivery that cannot be sent."""
        ...

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """What an answer means; `now` (epoch seconds) turns dates in its headers into seconds."""
        ...
