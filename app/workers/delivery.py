"""The delivery workers: one channel each, over one HTTP client."""

from functools import cache, partial
from typing import cast

from agents.delivery.deliverer import Deliverer
from agents.providers.fcm import Fcm
from agents.providers.http import HttpLimits, PooledHttpClient
from agents.providers.sendgrid import SendGrid
from agents.providers.twilio import Twilio
from agents.providers.webhook import Webhook
from app.settings import DeliverySection, ProvidersSection, Settings
from app.streaming.application import StreamApp, add_agents, build_shared_outbox
from app.workers.observers import DeliveryObserver
from app.workers.worker_builder import WorkerBuilder, build_priority_limits, call_later, clock
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy
from schemas.enums import Channel
from schemas.errors import SettingError
from schemas.metrics import PROVIDER_REQUESTS_IN_FLIGHT
from schemas.outcome import Provider
from schemas.ports import BatchHandles, SharedOutbox


def build_delivery_app(role: str, settings: Settings) -> StreamApp:
    """The app of a channel's worker."""
    own, channel = settings.delivery, cast(Channel, role)
    # a record that pauses before its next attempt must not hold up those behind its batch
    rules = build_priority_limits(
        own.max_batch_records,
        own.max_batch_records_medium_busy,
        own.max_batch_records_low_busy,
        own.max_in_flight_batches,
        own.max_in_flight_batches,
    )
    worker = WorkerBuilder(role, settings, rules, linger=own.linger, linger_max_records=own.linger_max_records)
    provider = build_provider(channel, settings.providers)
    outbox = build_shared_outbox(worker.app, worker.tables["attempts"])
    # made by the first batch: the HTTP client belongs to the event loop that it is made in
    deliverer = cache(partial(_build_deliverer, worker, channel, provider, outbox))

    async def run_deliverer(batches: BatchHandles) -> None:
        await deliverer().run(batches)

    add_agents(worker.app, worker.source_topics, run_deliverer, manual_ack=True)
    worker.add_revocation_callback(lambda partitions: deliverer().on_partitions_revoked(partitions))
    return worker.app


def _build_deliverer(worker: WorkerBuilder, channel: Channel, provider: Provider, outbox: SharedOutbox) -> Deliverer:
    own, http = worker.settings.delivery, PooledHttpClient(build_http_limits(worker.settings.delivery))
    deliverer = Deliverer(
        provider,
        http,
        worker.tables["attempts"],
        outbox,
        clock,
        call_later,
        policy=RetryPolicy(compute_retry_backoffs(own.max_attempts, own.retry_backoff)),
        limits=ConcurrencyLimits(
            own.max_concurrent_calls,
            own.reserved_calls_high,
            own.max_concurrent_calls_per_host if channel == "webhook" else own.max_concurrent_calls,
        ),
        topic_prefix=worker.settings.kafka.topic_prefix,
        observer=DeliveryObserver(worker.metrics, channel),
    )
    worker.metrics.set_gauge_function(PROVIDER_REQUESTS_IN_FLIGHT, lambda: deliverer.calls_in_flight, channel)
    worker.add_shutdown_callback(deliverer.stop)  # calls in flight end first: what they came to is still recorded
    worker.add_shutdown_callback(http.close)
    return deliverer


def build_http_limits(own: DeliverySection) -> HttpLimits:
    """The HTTP client never waits for a connection: the calls in flight are bounded before it."""
    return HttpLimits(max_connections=own.max_concurrent_calls, connect_timeout=own.connect_timeout, request_timeout=own.request_timeout)


def compute_retry_backoffs(max_attempts: int, retry_backoff: float) -> tuple[float, ...]:
    """The pauses between so many tries, each four times the one before, in seconds."""
    return tuple(retry_backoff * 4**number for number in range(max_attempts - 1))


def build_provider(channel: Channel, settings: ProvidersSection) -> Provider:
    """The provider of a channel. Raises SettingError for one that cannot be spoken to."""
    try:
        match channel:
            case "email":
                return SendGrid(settings.sendgrid_url, settings.sendgrid_api_key, settings.sendgrid_from_email, settings.sendgrid_from_name)
            case "sms":
                callback = settings.callback_base_url and settings.callback_base_url.rstrip("/") + "/v1/callbacks/twilio"
                key, secret = settings.twilio_api_key_sid, settings.twilio_api_key_secret
                return Twilio(settings.twilio_url, settings.twilio_account_sid, key, secret, settings.twilio_from_number, callback)
            case "push":
                return Fcm(settings.fcm_url, settings.fcm_project_id, lambda: settings.fcm_access_token)
            case "webhook":
                return Webhook(settings.webhook_signing_secret, settings.webhook_allow_http)
    except ValueError as error:
        raise SettingError(f"providers ({channel})", str(error)) from None
