"""The bodies of responses about the accounts of providers."""

from typing import Final

from msgspec import Struct

from schemas.account_pauses import AccountPause, PauseRequest, ResumeRequest
from schemas.channels import ChannelName


class OpenBreaker(Struct, frozen=True):
    """Why the calls of an account or host are stopped, when the next probe is permitted, since when, and the worker that says so.

    Times in epoch seconds; `opened_at` is null if it is not known.
    """

    cause: str
    open_until: float
    opened_at: float | None = None
    worker: str = ""


class ProviderError(Struct, frozen=True):
    """Calls of the last hour that were not accepted, by the provider's code (0: it gave none), outcome and reason, with the cause in words.

    `link` is the vendor's page about the code, empty without one; `last_at` in epoch seconds.
    """

    code: int
    outcome: str
    reason: str
    cause: str
    link: str
    count: int
    last_at: float


class ProviderAccount(Struct, frozen=True):
    """An account of a channel, by the name of its section in the settings.

    `weight` is its share, compared with the other accounts of the channel; `calls_per_second` is the limit of all workers, null for none.
    `call_burst` calls may be made at once, and `calls_used` of them are used now: they come back at `calls_per_second`. Both are null
    without a limit, and for webhooks, whose limit is that of each host; `calls_used` also while Redis does not answer.
    Tests go to an account with `is_test`. `breaker` is null if it is closed, or not known. `pause` is null if no operator has paused it.
    `p95_ms`: 95 of 100 calls took no longer, of its `measured_calls` newest ones of the last hour; null without calls. `errors` are the
    most frequent ones.
    """

    name: str
    channel: ChannelName
    weight: int
    is_test: bool
    calls_per_second: float | None
    breaker: OpenBreaker | None
    pause: AccountPause | None = None
    p95_ms: float | None = None
    measured_calls: int = 0
    errors: list[ProviderError] = []
    call_burst: int | None = None
    calls_used: int | None = None


class StoppedHost(Struct, frozen=True):
    """A host of webhooks with an open breaker, as `https://shop.example.org:443`."""

    host: str
    breaker: OpenBreaker


class ProviderAccounts(Struct, frozen=True):
    """All accounts, and the webhook hosts whose breakers are open, at most 200; `knows_breakers` is false while Redis does not answer: then
    neither breakers nor used calls are known.

    `pauses` are all that operators have made, also those of webhook hosts. `knows_history` is false while PostgreSQL does not answer: then
    pauses, times and errors are not known.
    """

    items: list[ProviderAccount]
    knows_breakers: bool
    stopped_hosts: list[StoppedHost] = []
    pauses: list[AccountPause] = []
    knows_history: bool = True


PROVIDER_BODIES: tuple[type[Struct], ...] = (PauseRequest, ResumeRequest)
"""The structs of requests that OpenAPI describes."""

EXAMPLE_PAUSE: Final = AccountPause("sendgrid-backup", "the key is changed", "ada", 1_795_851_800.0, 1_795_855_400.0)
_EXAMPLE_ERROR: Final = ProviderError(
    401,
    "REJECTED_PERMANENT",
    "misconfigured",
    "the API key is wrong or may not send, or the credits are exhausted: check providers.sendgrid.api_key",
    "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors",
    3,
    1_795_851_790.0,
)


EXAMPLE_PROVIDER_ACCOUNTS: Final = ProviderAccounts(
    [
        ProviderAccount("sendgrid", "email", 80, False, 500.0, None, None, 187.5, 4_000, [], 100, 37),
        ProviderAccount(
            "sendgrid-backup",
            "email",
            20,
            False,
            None,
            OpenBreaker("operator", 1_795_852_143.0, 1_795_851_802.0, "email-1"),
            EXAMPLE_PAUSE,
            213.0,
            1_000,
            [_EXAMPLE_ERROR],
        ),
    ],
    True,
    [StoppedHost("https://shop.example.org:443", OpenBreaker("failures", 1_795_851_843.0, 1_795_851_813.0, "webhook-1"))],
    [EXAMPLE_PAUSE],
)
