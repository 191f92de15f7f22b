"""The providers of a channel, of which one is chosen for each delivery."""

from agents.delivery.provider_errors import CheckedProvider
from schemas.channels import ChannelName
from schemas.delivery import Delivery


class ProviderSet:
    """The one provider of a channel. Of several accounts AccountSet chooses one."""

    is_shared = False
    """Whether there are several accounts, so that results are to be reported and a delivery may move from one to another."""

    def __init__(self, provider: CheckedProvider) -> None:
        self._provider = provider

    @property
    def channel(self) -> ChannelName:
        """The channel of the providers."""
        return self._provider.channel

    def choose(self, delivery: Delivery) -> CheckedProvider:
        """The provider that a delivery goes to."""
        return self._provider

    def get(self, name: str) -> CheckedProvider:
        """The provider with this name, or another one if there is none any more."""
        return self._provider
