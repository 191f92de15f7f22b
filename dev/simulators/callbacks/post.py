"""A callback as an HTTP request, with the vendor's rule for further tries."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class PostResult(StrEnum):
    """What became of one try; the names of Twilio's retry policies are used where there is one."""

    ACCEPTED = "2xx"
    REDIRECTED = "3xx"
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    NOT_CONNECTED = "ct"
    NOT_ANSWERED = "rt"


class RetryRule(NamedTuple):
    """The seconds before each further try, and the results that have one."""

    delays: tuple[float, ...]
    results: frozenset[PostResult]


class CallbackPost(NamedTuple):
    """A POST request to Herold; `connect_timeout` and `read_timeout` in seconds."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    retry_rule: RetryRule
    connect_timeout: float = 5.0
    read_timeout: float = 15.0


ALL_FAILURES = frozenset(PostResult) - {PostResult.ACCEPTED}
