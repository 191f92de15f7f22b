"""The calls per second of a channel's accounts, counted in Redis by all workers, and without Redis by each worker's share."""

import time
from collections.abc import Callable, Mapping, Sequence

from agents.delivery.call_rates import CallRates
from agents.delivery.deliverer import Deliverer
from app.provider_accounts import Account
from app.rate_limiter import build_rate_limiter
from app.workers.worker_builder import WorkerBuilder, call_later
from schemas.delivery_policy import CallRate
from tables.process_rate_limiter import ProcessRateLimiter
from tables.redis.client import RedisClient


def limit_call_rates(worker: WorkerBuilder, accounts: Sequence[Account], deliverer: Deliverer, redis: RedisClient) -> None:
    """Have the worker make no more calls per second than the settings of the accounts allow; without a limit, nothing changes."""
    if not any(account.call_rate for account in accounts):
        return
    share = build_partition_share(lambda: worker.app.consumer.membership.count_assigned(), worker.settings.kafka.topic_partitions)
    local = ProcessRateLimiter(time.monotonic, share, starts_full=False)
    rates = CallRates(build_rate_limiter(redis, local), build_rate_lookup(accounts), time.monotonic, call_later)
    deliverer.limit_rates(rates)
    worker.app.drain_callbacks.append(rates.begin_drain)
    worker.add_revocation_callback(lambda _: rates.end_drain())
    worker.add_shutdown_callback(rates.stop)


def build_partition_share(count_assigned: Callable[[], int], partitions: int) -> Callable[[], float]:
    """The share of a worker in what all workers of its role may do: that of its partitions, so that the shares of all are one together.

    Without a partition, as during a rebalance, it is that of one.
    """
    return lambda: max(1, count_assigned()) / partitions


def build_rate_lookup(accounts: Sequence[Account]) -> Callable[[str], CallRate | None]:
    """The rate of an account by its name. If the channel has one section, that counts for what its provider takes as account (a host)."""
    if len(accounts) == 1:
        return lambda _: accounts[0].call_rate
    rates: Mapping[str, CallRate] = {account.name: account.call_rate for account in accounts if account.call_rate is not None}
    return rates.get
