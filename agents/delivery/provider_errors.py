"""Turns unexpected errors of a provider into results."""

from collections.abc import Callable, Sequence

from agents.consecutive_failure_limit import ConsecutiveFailureLimit, describe_error
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.http import HttpClient, HttpRequest, HttpResult
from schemas.outcome import (
    AttemptResult,
    BatchProvider,
    BatchResult,
    LookUp,
    NumberedDelivery,
    Provider,
    SearchableProvider,
    SourceReportingProvider,
)

NO_TEST_ACCOUNT = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.NO_TEST_ACCOUNT)


class CheckedProvider:
    """A provider with its client, whose unexpected errors are results. Many in a row are raised: then the fault is not in the deliveries.

    `name`, `channel` and `get_account` are the provider's, `send` is the client's. `look_up` asks which messages the provider has, if it
    can be asked, and `batch` is the provider if one call can be for several deliveries. One account of several has a `name` of its own,
    which is also its account. Only one that takes tests sends a test.
    """

    __slots__ = (
        "_failure_limit",
        "_provider",
        "batch",
        "channel",
        "get_account",
        "look_up",
        "name",
        "reports_source",
        "send",
        "takes_tests",
    )

    get_account: Callable[[Delivery], str]

    def __init__(self, provider: Provider, client: HttpClient, name: str = "", *, takes_tests: bool = False) -> None:
        self._provider, self._failure_limit, self.takes_tests = provider, ConsecutiveFailureLimit(), takes_tests
        self.name, self.channel, self.send = name or provider.name, provider.channel, client.send
        self.get_account = (lambda delivery: name) if name else provider.get_account
        self.reports_source = isinstance(provider, SourceReportingProvider) and provider.reports_source
        self.batch: BatchProvider | None = provider if isinstance(provider, BatchProvider) else None
        self.look_up: LookUp | None = provider.look_up if isinstance(provider, SearchableProvider) else None

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """The request of an attempt, or why there is none."""
        if delivery.is_test and not self.takes_tests:
            return NO_TEST_ACCOUNT
        try:
            request = self._provider.build_request(delivery, attempt, now)
        except Exception as error:
            detail = self._failure_limit.record_failure(error)
            return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.UNEXPECTED_ERROR, detail=detail)
        if self._failure_limit.consecutive_failures:
            self._failure_limit.record_success()
        return request

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """The result of an attempt."""
        try:
            return self._provider.parse_result(result, now)
        except Exception as error:  # the request was sent: raising here, or a retry, would send it twice
            return AttemptResult(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR, detail=describe_error(error))

    def build_batch_request(self, deliveries: Sequence[NumberedDelivery], now: float) -> HttpRequest | AttemptResult:
        """The request for several deliveries, or why there is none; what is wrong with one of them is found out when it goes alone."""
        assert self.batch is not None
        try:
            return self.batch.build_batch_request(deliveries, now)
        except Exception as error:
            return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.UNEXPECTED_ERROR, detail=describe_error(error))

    def parse_batch_result(self, result: HttpResult, count: int, now: float) -> BatchResult:
        """The result of a call for several deliveries."""
        assert self.batch is not None
        try:
            return self.batch.parse_batch_result(result, count, now)
        except Exception as error:  # as of a call for one
            return BatchResult(AttemptResult(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR, detail=describe_error(error)))
