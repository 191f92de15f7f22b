"""The bodies of responses about the accounts of providers."""

from typing import Final

from msgspec import Struct

from schemas.channels import ChannelName


class OpenBreaker(Struct, frozen=True):
    """Why the calls of an account are stopped, and when the next probe is permitted, in epoch seconds."""

    cause: str
    open_until: float


class ProviderAccount(Struct, frozen=True):
    """An account of a channel, by the name of its section in the settings.

    `weight` is its share, compared with the other accounts of the channel; `calls_per_second` is the limit of all workers, null for none.
    Tests go to an account with `is_test`. `breaker` is null if it is closed, or not known.
    """

    name: str
    channel: ChannelName
    weight: int
    is_test: bool
    calls_per_second: float | None
    breaker: OpenBreaker | None


class ProviderAccounts(Struct, frozen=True):
    """All accounts; `knows_breakers` is false while Redis does not answer. Breakers of single webhook hosts are not there."""

    items: list[ProviderAccount]
    knows_breakers: bool


EXAMPLE_PROVIDER_ACCOUNTS: Final = ProviderAccounts(
    [
        ProviderAccount("sendgrid", "email", 80, False, 500.0, None),
        ProviderAccount("sendgrid-backup", "email", 20, False, None, OpenBreaker("failing", 1_795_851_843.0)),
    ],
    True,
)
