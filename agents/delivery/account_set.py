"""Several accounts of a channel: each delivery goes to one of them, chosen by weights that failures move."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from agents.delivery.account_weights import Health, add_result, choose, compute_weight, is_failure
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.delivery.retry_decision import Random
from schemas.delivery import Delivery
from schemas.outcome import AttemptResult
from schemas.ports import Clock

WEIGHTS_AGE = 0.1  # seconds for which weights are kept; they change with time and with results


class WeightedProvider(NamedTuple):
    """An account and its weight in the settings."""

    provider: CheckedProvider
    weight: float


class AccountSet(ProviderSet):
    """The accounts of a channel; the name of a provider is that of its account.

    An account that is closed gets deliveries only as probes, as long as another one is open. A delivery whose call got no answer stays
    with the account that may have it; one that failed goes to another account, if one is open.
    """

    is_shared = True

    def __init__(
        self,
        accounts: Sequence[WeightedProvider],
        clock: Clock,
        random: Random,
        half_life: float,
        test_provider: CheckedProvider | None = None,
    ) -> None:
        """`half_life`: seconds after which an account without results has half of its share of failures."""
        super().__init__(accounts[0].provider, test_provider)
        self._accounts, self._clock, self._random, self._half_life = accounts, clock, random, half_life
        self._by_name = {account.provider.name: account.provider for account in accounts}
        self._health = dict.fromkeys(self._by_name, Health())
        self._closed: Collection[str] = ()
        self._probes: list[CheckedProvider] = []
        self._weights, self._weights_until, self._closed_then = [0.0], 0.0, frozenset[str]()

    def watch(self, closed_accounts: Collection[str]) -> None:
        """Leave out these accounts; the collection changes with them."""
        self._closed = closed_accounts

    def choose(self, delivery: Delivery) -> CheckedProvider:
        """The account that may have the message, else one that is to be probed, else one by the weights, rather not the last one's."""
        if delivery.is_test:
            return super().choose(delivery)
        if delivery.unanswered is not None and delivery.account in self._by_name:
            return self._by_name[delivery.account]
        if self._probes:
            return self._probes.pop()
        return self._choose(delivery.account)

    def choose_other(self, name: str) -> CheckedProvider | None:
        """An open account in the place of this one; None if there is none. Nothing takes the place of the test account."""
        if name not in self._by_name:
            return None
        provider = self._choose(name)
        return None if provider.name == name or provider.name in self._closed else provider

    def get(self, name: str) -> CheckedProvider:
        """The account with this name, or the first one if there is none any more."""
        return self._by_name.get(name) or super().get(name)

    def request_probe(self, name: str) -> None:
        """Let the next delivery go to this account, which is closed."""
        provider = self._by_name.get(name)
        if provider is not None and provider not in self._probes:
            self._probes.append(provider)

    def on_result(self, provider: CheckedProvider, result: AttemptResult, now: float) -> None:
        """Note what a call to an account came to."""
        if provider.name not in self._health:  # the test account, which has no weight
            return
        health, failed = self._health[provider.name], is_failure(result)
        if failed or health.failures:
            self._health[provider.name] = add_result(health, now, self._half_life, failed=failed)
            self._weights_until = 0.0

    def set_receipts(self, factors: Mapping[str, float]) -> None:
        """Note how the receipts of the accounts compare: a factor for each."""
        for name, factor in factors.items():
            self._health[name] = self._health[name]._replace(receipts=factor)

    def get_weights(self, now: float) -> dict[str, float]:
        """The share of each account, 0 to 1; 0 of those that are closed."""
        weights = self._compute_weights(now, self._closed)
        total = sum(weights) or 1.0
        return {account.provider.name: weight / total for account, weight in zip(self._accounts, weights, strict=True)}

    def _choose(self, avoided: str) -> CheckedProvider:
        """One by the weights; without an open account as if all were open."""
        now = self._clock()
        if now >= self._weights_until or len(self._closed) != len(self._closed_then) or not self._closed_then.issuperset(self._closed):
            self._closed_then, self._weights_until = frozenset(self._closed), now + WEIGHTS_AGE
            self._weights = self._compute_weights(now, self._closed)
        weights = self._weights
        if avoided in self._by_name:
            others = [0.0 if account.provider.name == avoided else weight for account, weight in zip(self._accounts, weights, strict=True)]
            weights = others if any(others) else weights
        if not any(weights):
            weights = self._compute_weights(now, ())
        return self._accounts[choose(weights, self._random())].provider

    def _compute_weights(self, now: float, closed: Collection[str]) -> list[float]:
        return [
            0.0
            if account.provider.name in closed
            else compute_weight(account.weight, self._health[account.provider.name], now, self._half_life)
            for account in self._accounts
        ]
