"""The delivery workers: one channel each, over one HTTP client."""

from functools import cache, partial
from typing import cast

from agents.delivery.deliverer import Deliverer
from agents.providers.fcm import Fcm
from agents.providers.http import Limits, PoolClient
from agents.providers.sendgrid import SendGrid
from agents.providers.twilio import Twilio
from agents.providers.webhook import Webhook
from app.roles.observers import DeliveryObserver
from app.roles.worker import Worker, clock, lanes_of, later
from app.settings import Delivery, Providers, Settings
from app.streaming.application import StreamApp, attach, shared_outbox_of
from schemas.errors import SettingError
from schemas.metrics import CALLS_IN_FLIGHT
from schemas.outcome import Provider
from schemas.policies import CallLimits, RetryPolicy
from schemas.ports import HeldBatches, SharedOutbox
from schemas.words import Channel


def build(role: str, settings: Settings) -> StreamApp:
    """The app of a channel's worker."""
    own, channel = settings.delivery, cast(Channel, role)
    # a record that pauses before its next attempt must not hold up those behind its batch
    rules = lanes_of(own.batch, own.busy_medium, own.busy_low, own.depth, own.depth)
    worker = Worker(role, settings, rules, linger=own.linger, group_records=own.linger_records)
    provider = provider_of(channel, settings.providers)
    outbox = shared_outbox_of(worker.app, worker.tables["attempts"])
    # made by the first batch: the HTTP client belongs to the event loop that it is made in
    deliverer = cache(partial(_deliverer, worker, channel, provider, outbox))

    async def run(batches: HeldBatches) -> None:
        await deliverer().run(batches)

    attach(worker.app, worker.reads, run, held=True)
    worker.forget_at_revoke(lambda partitions: deliverer().lost(partitions))
    return worker.app


def _deliverer(worker: Worker, channel: Channel, provider: Provider, outbox: SharedOutbox) -> Deliverer:
    own, http = worker.settings.delivery, PoolClient(http_limits(worker.settings.delivery))
    deliverer = Deliverer(
        provider,
        http,
        worker.tables["attempts"],
        outbox,
        clock,
        later,
        policy=RetryPolicy(pauses_of(own.tries, own.pause)),
        limits=CallLimits(own.calls, own.calls_high, own.calls_per_host if channel == "webhook" else own.calls),
        topic_prefix=worker.settings.herold.topic_prefix,
        observer=DeliveryObserver(worker.metrics, channel),
    )
    worker.metrics.watch(CALLS_IN_FLIGHT, lambda: deliverer.calls_in_flight, channel)
    worker.at_end(deliverer.stop)  # calls in flight end first: what they came to is still recorded
    worker.at_end(http.close)
    return deliverer


def http_limits(own: Delivery) -> Limits:
    """The HTTP client never waits for a connection: the calls in flight are bounded before it."""
    return Limits(connections=own.calls, connect_timeout=own.connect_timeout, read_timeout=own.read_timeout)


def pauses_of(tries: int, pause: float) -> tuple[float, ...]:
    """The pauses between so many tries, each four times the one before, in seconds."""
    return tuple(pause * 4**number for number in range(tries - 1))


def provider_of(channel: Channel, settings: Providers) -> Provider:
    """The provider of a channel. Raises SettingError for one that cannot be spoken to."""
    try:
        match channel:
            case "email":
                return SendGrid(settings.sendgrid_url, settings.sendgrid_key, settings.sendgrid_from, settings.sendgrid_from_name)
            case "sms":
                callback = settings.callback_url and settings.callback_url.rstrip("/") + "/v1/callbacks/twilio"
                key, secret = settings.twilio_key, settings.twilio_secret
                return Twilio(settings.twilio_url, settings.twilio_account, key, secret, settings.twilio_from, callback)
            case "push":
                return Fcm(settings.fcm_url, settings.fcm_project, lambda: settings.fcm_token)
            case "webhook":
                return Webhook(settings.webhook_secret, settings.webhook_http)
    except ValueError as error:
        raise SettingError(f"providers ({channel})", str(error)) from None
