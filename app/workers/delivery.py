"""The delivery workers: one channel each, with one HTTP client."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from functools import partial
from random import random
from typing import Protocol, cast, runtime_checkable

from agents.delivery.account_set import AccountSet, WeightedProvider
from agents.delivery.bounce_guard import BounceGuard
from agents.delivery.breaker import Cause
from agents.delivery.deliverer import Deliverer
from agents.delivery.endpoint_cache import EndpointCache
from agents.delivery.endpoint_order import OrderedEndpoints
from agents.delivery.observer import Observer
from agents.delivery.opening import DeliveryOpening
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.delivery.receipt_watch import ReceiptWatch
from agents.providers.http import AiohttpClient, HttpLimits, PooledHttpClient
from app.api.services.random_id_bits import RandomIdBits
from app.encryption.outer_keys import build_blind_index
from app.encryption.sealers import build_column_sealing, build_sealer_reader
from app.ordered_ids import OrderedIds
from app.profile_reader import PROFILE_QUERY_TIMEOUT, build_profile_reader
from app.provider_accounts import Account, build_accounts, build_test_account
from app.retry_settings import build_breaker_policy, build_retry_policy
from app.settings import DeliverySection, Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.committer_factory import build_shared_outbox
from app.streaming.consumer.failure_policy import BatchProcessor
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.telemetry import Metrics, log_event
from app.workers.account_pauses import watch_pauses
from app.workers.bounce_guard import build_bounce_guard, watch_bounces
from app.workers.breaker_states import BreakerStates, SharedBreakerStates
from app.workers.call_rates import limit_call_rates
from app.workers.delivery_observer import DeliveryObserver
from app.workers.missing_keys import watch_missing_keys
from app.workers.ordered_waiting import show_waiting
from app.workers.outage_redrives import OutageRedrives
from app.workers.worker_builder import WorkerBuilder, build_priority_limits, call_later
from schemas.channels import Channel, ChannelName, get_channel
from schemas.delivery_policy import ConcurrencyLimits, ReconciliationPolicy, WaitingLimits
from schemas.enums import Priority
from schemas.metrics import ACCOUNT_WEIGHT, PAUSED_ACCOUNTS, PROVIDER_REQUESTS_IN_FLIGHT, WAITING_DELIVERIES
from schemas.outcome import EndpointProvider, Provider, StartableProvider
from schemas.ports import Clock, SharedOutbox
from schemas.store_ports import EvidenceReader, ProfileReader, ReceiptCounter
from schemas.user_keys import SealerReader
from tables.postgres.bounce_counts import PostgresBounceCounts
from tables.postgres.database import Database
from tables.postgres.delivery_evidence import PostgresEvidenceReader
from tables.postgres.receipt_counts import PostgresReceiptCounter
from tables.postgres.redrives import RedriveStore
from tables.postgres.signing_endpoints import PostgresSigningEndpoints
from tables.redis.breaker_states import RedisBreakerStates
from tables.redis.client import RedisClient


def build_delivery_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of a channel's worker."""
    section, channel = settings.delivery, get_channel(cast(ChannelName, role))
    worker = WorkerBuilder(role, settings, _build_priority_limits(settings))
    redis = RedisClient(settings.redis.url, time.monotonic, settings.kafka.topic_prefix, settings.redis.socket_timeout)
    database = Database(settings.postgres.url, settings.postgres.pool_max_size, PROFILE_QUERY_TIMEOUT, PROFILE_QUERY_TIMEOUT)
    sealers = build_sealer_reader(settings, redis, database, seals=False)
    database.sealing = build_column_sealing(settings.encryption, sealers, database.fetch)
    accounts = build_accounts(channel, settings)
    outbox = build_shared_outbox(worker.app, worker.tables["attempts"], linger=section.linger, max_records=section.linger_max_records)
    profiles = build_profile_reader(redis, database, settings.redis, build_blind_index(settings.encryption), sealers)
    bounce_guard = _build_bounce_guard(worker, channel, database)
    clients = [build_http_client(account.provider, section) for account in accounts]
    test_provider = _build_test_provider(channel, settings, clients, worker)
    providers = _build_provider_set(worker, channel, accounts, clients, PostgresReceiptCounter(database), test_provider)
    observer = DeliveryObserver(worker.metrics, channel.name, _build_breaker_states(worker, redis))
    evidence, opening = PostgresEvidenceReader(database), _build_opening(sealers, observer)
    deliverer = _build_deliverer(worker, channel, providers, outbox, profiles, evidence, bounce_guard, observer, opening)
    limit_call_rates(worker, accounts, deliverer, redis)
    watch_pauses(worker, channel, accounts, test_provider.name if test_provider else "", deliverer, database)
    _add_gauges(worker.metrics, channel.name, deliverer)
    # after the deliverer is stopped: the results of calls in flight are still recorded, and so are those that the close has ended
    for callback in (*(client.close for client in clients), outbox.flush):
        worker.add_shutdown_callback(callback)
    for account in accounts:
        if isinstance(account.provider, StartableProvider):
            worker.app.startup_checks.append(partial(account.provider.start, worker.clock))
    add_agents(worker.app, worker.source_topics, _build_agent(worker, accounts[0].provider, deliverer, database))
    worker.app.drain_callbacks.append(deliverer.on_drain)
    longest_call = section.connect_timeout + section.request_timeout
    worker.app.stop_callbacks.append(lambda drain_timeout: call_later(max(0.0, drain_timeout - longest_call), deliverer.begin_stop))
    worker.add_revocation_callback(deliverer.on_partitions_revoked)
    watch_missing_keys(worker, database, asyncio.sleep)
    worker.add_close_callback(redis.close)
    worker.add_close_callback(database.close)
    return worker.app


def _build_priority_limits(settings: Settings) -> tuple[PriorityLimits, ...]:
    """Low keeps its in-flight batches: a delivery that waits for its account must not delay the batches behind it."""
    section = settings.delivery
    return build_priority_limits(
        settings.worker,
        section.max_batch_records,
        section.max_batch_records_medium_busy,
        section.max_batch_records_low_busy,
        section.max_in_flight_batches,
        section.max_in_flight_batches,
    )


def _build_opening(sealers: SealerReader | None, observer: DeliveryObserver) -> DeliveryOpening | None:
    """What opens sealed deliveries, if the settings have keys."""
    return DeliveryOpening(sealers, asyncio.sleep, observer.on_keys_unavailable) if sealers is not None else None


def _build_breaker_states(worker: WorkerBuilder, redis: RedisClient) -> BreakerStates:
    """What shows the breakers, and redrives what died while one was open, if that is set."""
    states = SharedBreakerStates(RedisBreakerStates(redis), worker.clock, worker.settings.worker.instance_id)
    if not (rate := worker.settings.delivery.redrive_after_outage):
        return states
    database = Database(worker.settings.postgres.url, 1)  # of its own: the queries of the others have less time
    store = RedriveStore(database, OrderedIds(time.time, RandomIdBits(os.urandom)))
    redrives = OutageRedrives(states, store, asyncio.sleep, worker.clock, rate)
    worker.add_shutdown_callback(redrives.stop)
    worker.add_close_callback(database.close)
    return redrives


def _build_agent(worker: WorkerBuilder, provider: Provider, deliverer: Deliverer, database: Database) -> BatchProcessor:
    """What runs on the batches of a priority; a provider with registered endpoints, which has no other accounts, knows those of a batch."""
    if not isinstance(provider, EndpointProvider):
        return deliverer.run
    store, max_age = PostgresSigningEndpoints(database), worker.settings.delivery.endpoint_refresh_interval
    cache = EndpointCache(store, time.monotonic, max_age, _log_unavailable)
    provider.use_endpoints(cache)
    worker.add_revocation_callback(cache.drop_partitions)
    worker.add_shutdown_callback(cache.stop)
    return lambda batches: deliverer.run(cache.read_ahead(batches))


def _build_bounce_guard(worker: WorkerBuilder, channel: Channel, database: Database) -> BounceGuard | None:
    """The guard of the e-mail workers, with the task that counts for it."""
    section = worker.settings.bounce_guard
    guard = build_bounce_guard(section, worker.metrics) if channel.name == "email" else None
    if guard is not None:
        counts = PostgresBounceCounts(database)
        worker.add_task("bounce_guard", lambda: watch_bounces(guard, counts, worker.clock, asyncio.sleep, section.interval))
    return guard


def _log_unavailable(cause: str) -> None:
    log_event("webhook.endpoints_unavailable", logging.WARNING, cause=cause)


def _build_deliverer(
    worker: WorkerBuilder,
    channel: Channel,
    providers: ProviderSet,
    outbox: SharedOutbox,
    profiles: ProfileReader,
    evidence: EvidenceReader,
    bounce_guard: BounceGuard | None,
    observer: Observer,
    opening: DeliveryOpening | None,
) -> Deliverer:
    section = worker.settings.delivery
    policy = build_retry_policy(worker.settings.retries, channel.name)
    deliverer = Deliverer(
        providers,
        worker.tables["attempts"],
        outbox,
        worker.clock,
        call_later,
        random,
        policy=policy,
        limits=_build_concurrency_limits(section, channel),
        breaker=build_breaker_policy(worker.settings.breaker, section, channel, policy.max_retry_after),
        waiting=WaitingLimits(section.max_waiting_records, section.max_waiting_bytes),
        profiles=profiles,
        evidence=evidence,
        reconciliation=build_reconciliation_policy(section, channel),
        bounce_guard=bounce_guard,
        topic_prefix=worker.settings.kafka.topic_prefix,
        observer=observer,
        dead_letter_limit=worker.build_dead_letter_limit(),
        opening=opening,
    )
    if channel.has_endpoints:
        table = worker.tables["endpoint_order"]
        order = deliverer.keep_order(OrderedEndpoints(table, section.ordered_window, section.ordered_queue), outbox)
        show_waiting(worker, order, table)
    worker.add_shutdown_callback(deliverer.stop)
    return deliverer


def _build_concurrency_limits(section: DeliverySection, channel: Channel) -> ConcurrencyLimits:
    return ConcurrencyLimits(
        section.max_concurrent_calls,
        section.reserved_calls_high,
        section.max_concurrent_calls_per_host if channel.is_limited_per_host else section.max_concurrent_calls,
        section.min_concurrent_calls,
        section.max_deliveries_per_call,
    )


def _build_test_provider(
    channel: Channel, settings: Settings, clients: list[PooledHttpClient | AiohttpClient], worker: WorkerBuilder
) -> CheckedProvider | None:
    """The provider of tests, with a client of its own at the end of `clients`; None if no account is named."""
    account = build_test_account(channel, settings)
    if account is None:
        return None
    clients.append(build_http_client(account.provider, settings.delivery))
    if isinstance(account.provider, StartableProvider):
        worker.app.startup_checks.append(partial(account.provider.start, worker.clock))
    return CheckedProvider(account.provider, clients[-1], account.name, takes_tests=True)


def _build_provider_set(
    worker: WorkerBuilder,
    channel: Channel,
    accounts: Sequence[Account],
    clients: Sequence[PooledHttpClient | AiohttpClient],
    counter: ReceiptCounter,
    test_provider: CheckedProvider | None,
) -> ProviderSet:
    """The provider of the one account, or all of them by their names and weights, which are metrics then."""
    if len(accounts) == 1:
        return ProviderSet(CheckedProvider(accounts[0].provider, clients[0]), test_provider)
    weighted = [
        WeightedProvider(CheckedProvider(account.provider, client, account.name), account.weight)
        for account, client in zip(accounts, clients[: len(accounts)], strict=True)
    ]
    account_set = AccountSet(weighted, worker.clock, random, worker.settings.delivery.account_half_life, test_provider)
    for account in accounts:
        worker.metrics.set_gauge_function(
            ACCOUNT_WEIGHT, partial(_get_weight, account_set, worker.clock, account.name), channel.name, account.name
        )
    if worker.settings.receipt_timeouts.get(channel.name):
        names = [account.name for account in accounts]
        worker.add_task("receipt-watch", ReceiptWatch(account_set, names, counter, worker.clock, asyncio.sleep).run)
    return account_set


def _get_weight(account_set: AccountSet, clock: Clock, name: str) -> float:
    return account_set.get_weights(clock())[name]


def build_reconciliation_policy(section: DeliverySection, channel: Channel) -> ReconciliationPolicy:
    """What follows a call without an answer on a channel."""
    graces: dict[Priority, float] = {
        "high": section.unanswered_grace_high,
        "medium": section.unanswered_grace_medium,
        "low": section.unanswered_grace_low,
    }
    return ReconciliationPolicy(graces, channel.is_repeatable)


@runtime_checkable
class ClientProvider(Protocol):
    """A provider that does not speak HTTP: it has requests and results of its own, and the client that takes them."""

    def build_client(self, limits: HttpLimits) -> PooledHttpClient | AiohttpClient:
        """A client with the methods of those of HTTP."""
        ...


def _add_gauges(metrics: Metrics, channel: ChannelName, deliverer: Deliverer) -> None:
    metrics.set_gauge_function(PROVIDER_REQUESTS_IN_FLIGHT, lambda: deliverer.calls_in_flight, channel)
    for cause in Cause:
        metrics.set_gauge_function(PAUSED_ACCOUNTS, partial(deliverer.breakers.count_open, cause), channel, cause)
    metrics.set_gauge_function(WAITING_DELIVERIES, lambda: len(deliverer.waiting_room), channel)


def build_http_client(provider: Provider, section: DeliverySection) -> PooledHttpClient | AiohttpClient:
    """The HTTP client of a provider, which connects only to addresses that the provider allows; or the provider's own client."""
    if isinstance(provider, ClientProvider):
        return provider.build_client(build_http_limits(section))
    client = PooledHttpClient if section.http_client == "pooled" else AiohttpClient
    return client(build_http_limits(section), allow_address=provider.allow_address)


def build_http_limits(section: DeliverySection) -> HttpLimits:
    """The limits of the HTTP client. It has a connection for each call in flight, so no request waits for one, and as many idle ones."""
    return HttpLimits(
        max_connections=section.max_concurrent_calls,
        max_total_connections=2 * section.max_concurrent_calls,
        connect_timeout=section.connect_timeout,
        request_timeout=section.request_timeout,
    )
