"""Takes the callbacks of providers: verified before they are parsed, and answered only when Kafka has their events."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from agents.callbacks import fcm_acks, sendgrid_events, twilio_events
from agents.callbacks.mapped_callback import MappedCallback
from agents.callbacks.sendgrid_events import map_sendgrid_events
from agents.callbacks.twilio_events import map_twilio_inbound, map_twilio_status
from app.api.ports import ProducerRecord, Publisher
from app.api.problems import ProblemError, build_problem, build_validation_problem, to_field_error
from app.api.services.callback_keys import CallbackKeys
from app.encryption.report_sealing import ReportSealing
from app.telemetry import Metrics
from schemas.errors import DECODE_ERRORS, UnavailableError
from schemas.events import InboundEvent, ProviderEvent
from schemas.ids import compute_key_partition
from schemas.metrics import CALLBACK_REPORTS, CALLBACKS
from schemas.ports import Clock
from schemas.topics import STATUS_TOPIC

STATUS_PATH: Final = "/v1/callbacks/twilio"
INBOUND_PATH: Final = "/v1/callbacks/twilio/inbound"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS: Final = 500
RETRY_AFTER: Final = 5  # seconds
KEYS_UNAVAILABLE: Final = "the keys that seal personal data cannot be read now; send the request again"

_encode = msgspec.json.Encoder().encode


class CallbackService:
    """Verifies, maps and publishes callbacks; with `sealing` their addresses are sealed.

    `clock` in epoch seconds; `max_bytes` of a body that is read before it is verified.
    """

    def __init__(
        self,
        publisher: Publisher,
        keys: CallbackKeys,
        metrics: Metrics,
        clock: Clock,
        partitions: int,
        topic_prefix: str,
        max_bytes: int,
        sealing: ReportSealing | None = None,
    ) -> None:
        self._sealing = sealing
        self._publisher, self._keys, self._metrics, self._clock = publisher, keys, metrics, clock
        self._partitions, self._topic, self.max_bytes = partitions, topic_prefix + STATUS_TOPIC, max_bytes

    def require_sendgrid(self, signature: bytes, timestamp: bytes) -> None:
        """Raises ProblemError, before the body is read, if there is no key, or no signature."""
        if self._keys.sendgrid is None:
            raise self._reject_unconfigured(sendgrid_events.PROVIDER, "providers.sendgrid.webhook_public_key")
        if not signature or not timestamp:
            raise self._reject_forged(sendgrid_events.PROVIDER)

    async def take_sendgrid(self, signature: bytes, timestamp: bytes, body: bytes) -> None:
        """Publish the events of the Event Webhook. Raises ProblemError."""
        verifier = self._keys.sendgrid
        if verifier is None or not verifier.verify(signature, timestamp, body):
            raise self._reject_forged(sendgrid_events.PROVIDER)
        try:
            mapped = map_sendgrid_events(body, self._clock())
        except DECODE_ERRORS as error:
            raise self._reject_malformed(sendgrid_events.PROVIDER, error, body) from None
        await self._publish(sendgrid_events.PROVIDER, mapped)

    def require_twilio(self, signature: bytes) -> None:
        """Raises ProblemError, before the body is read, if there is no key, or no signature."""
        if not self._keys.twilio:
            raise self._reject_unconfigured(twilio_events.PROVIDER, "providers.twilio.auth_token and callback_base_url")
        if not signature:
            raise self._reject_forged(twilio_events.PROVIDER)

    async def take_twilio(self, path: str, query: str, signature: bytes, key_settings: str, content_type: str, body: bytes) -> None:
        """Publish the event of a status callback or an inbound message, by its path. Raises ProblemError."""
        pairs = _parse_form(body) if content_type.partition(";")[0].strip().lower() == FORM_TYPE else []
        if not self._is_from_twilio(path, query, signature, key_settings, body, pairs):
            raise self._reject_forged(twilio_events.PROVIDER)
        form, now = dict(pairs or ()), self._clock()
        mapped = map_twilio_inbound(form, now) if path == INBOUND_PATH else map_twilio_status(dict(parse_qsl(query)), form, now)
        await self._publish(twilio_events.PROVIDER, mapped)

    def _is_from_twilio(
        self, path: str, query: str, signature: bytes, key_settings: str, body: bytes, pairs: list[tuple[str, str]] | None
    ) -> bool:
        """Whether one of the accounts has signed a form, or a body without parameters; None stands for a form with too many."""
        for account in self._keys.twilio:
            urls, verifier = account.list_urls(path, query), account.verifier
            if pairs and verifier.verify_form(urls, pairs, signature, key_settings):
                return True
            if pairs == [] and verifier.verify_body(urls, body, signature, key_settings):
                return True
        return False

    async def take_push_ack(self, body: bytes) -> None:
        """Publish the acknowledgement of a push message. Raises ProblemError."""
        if self._keys.links is None:
            raise self._reject_unconfigured(fcm_acks.PROVIDER, "links.base_url and links.secret")
        try:
            ack = fcm_acks.decode_push_ack(body)
        except DECODE_ERRORS as error:
            raise self._reject_malformed(fcm_acks.PROVIDER, error, body) from None
        mapped = fcm_acks.map_push_ack(self._keys.links, ack, self._clock())
        if mapped is None:
            raise self._reject_forged(fcm_acks.PROVIDER)
        await self._publish(fcm_acks.PROVIDER, mapped)

    def reject_too_large(self, provider: str, limit: int) -> ProblemError:
        """The error of a body that is too large, which counts."""
        self._count(provider, "too_large")
        return ProblemError(build_problem("too-large", f"the body of a callback has at most {limit} bytes"))

    def _reject_forged(self, provider: str) -> ProblemError:
        """The error of a request that is not genuine, which counts."""
        self._count(provider, "forged")
        return ProblemError(build_problem("invalid-signature", f"{provider} has not signed this request with a key of the settings"))

    def _reject_unconfigured(self, provider: str, setting: str) -> ProblemError:
        self._count(provider, "not_configured")
        return ProblemError(build_problem("not-found", f"callbacks of {provider} are not configured: set {setting}"))

    def _reject_malformed(self, provider: str, error: Exception, body: bytes) -> ProblemError:
        self._count(provider, "malformed")
        return ProblemError(build_validation_problem([to_field_error(error, body)]))

    async def _publish(self, provider: str, mapped: MappedCallback) -> None:
        """One record for each event; the reports count only when Kafka has them all, because the provider sends all of them again."""
        events = mapped.events if self._sealing is None else await self._seal(self._sealing, provider, mapped.events)
        records = [self._build_record(*pair) for pair in zip(mapped.events, events, strict=True)]
        if records and not all(await self._publisher.publish(records)):
            self._count(provider, "unavailable")
            detail = "Kafka did not confirm the events in time; send the request again, what was written already counts once"
            raise ProblemError(build_problem("unavailable", detail, retry_after=RETRY_AFTER))
        self._count(provider, "accepted")
        for (report, result), amount in mapped.counts.items():
            self._metrics.increment(CALLBACK_REPORTS, amount, provider, report, result)

    async def _seal(self, sealing: ReportSealing, provider: str, events: Sequence[ProviderEvent]) -> Sequence[ProviderEvent]:
        try:
            return await sealing.seal(events)
        except UnavailableError as error:
            self._count(provider, "unavailable")
            raise ProblemError(build_problem("unavailable", KEYS_UNAVAILABLE, retry_after=RETRY_AFTER)) from error

    def _build_record(self, event: ProviderEvent, written: ProviderEvent) -> ProducerRecord:
        """Reports of a delivery are on one partition, and so are the messages of a number, so that STOP and START keep their order."""
        key = event.event_key if isinstance(event, InboundEvent) else event.delivery_id
        ordered_by = event.address if isinstance(event, InboundEvent) else key
        partition = compute_key_partition(ordered_by.encode(), self._partitions)
        return ProducerRecord(self._topic, partition, key.encode(), _encode(written))

    def _count(self, provider: str, result: str) -> None:
        self._metrics.increment(CALLBACKS, 1, provider, result)


def _parse_form(body: bytes) -> list[tuple[str, str]] | None:
    """The parameters; None if there are too many."""
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return None
