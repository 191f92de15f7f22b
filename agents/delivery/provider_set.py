"""The providers of a channel, of which one is chosen for each delivery."""

from agents.delivery.provider_errors import CheckedProvider
from schemas.channels import ChannelName
from schemas.delivery import Delivery


class ProviderSet:
    """The one provider of a channel. Of several accounts AccountSet chooses one."""

    is_shared = False
    """Whether there are several accounts, so that results are to be reported and a delivery may move from one to another."""

    def __init__(self, provider: CheckedProvider, test_provider: CheckedProvider | None = None) -> None:
        """`test_provider` is the one of tests; without it the others refuse them."""
        self._provider, self._test_provider = provider, test_provider

    @property
    def channel(self) -> ChannelName:
        """The channel of the providers."""
        return self._provider.channel

    def choose(self, delivery: Delivery) -> CheckedProvider:
        """The provider that a delivery goes to."""
        return self._test_provider or self._provider if delivery.is_test else self._provider

    def get(self, name: str) -> CheckedProvider:
        """The provider with this name, or another one if there is none any more."""
        test = self._test_provider
        return test if test is not None and test.name == name else self._provider
