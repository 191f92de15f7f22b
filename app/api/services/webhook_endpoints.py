"""Registers webhook endpoints: checks their URLs, makes their secrets, and sends test webhooks to them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.providers.endpoint_secrets import NewSecret, RandomBytes, SecretBox
from agents.providers.endpoint_url import UrlPolicy, build_url, find_address_problems, normalize_endpoint_url, parse_ports
from agents.providers.http import AddressPolicy
from agents.providers.http.resolver import Resolver
from agents.providers.request import ParsedUrl
from agents.providers.webhook_secret import decode_master_secret
from app.api.ports import ProducerRecord, Publisher
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.topology import PING_TOPIC
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Status
from schemas.errors import DescribedUnavailableError, SettingError
from schemas.ids import DELIVERY_PREFIX, compute_partition
from schemas.ports import Clock, Sleep
from schemas.projects import project_in_force, qualify
from schemas.user_validation import FieldProblem
from schemas.users import ChangeOrigin
from schemas.webhook_endpoints import (
    MESSAGE_PREFIX,
    PING_TYPE,
    CreatedEndpoint,
    EndpointChange,
    EndpointRequest,
    PingResult,
    SecretRotation,
    WebhookEndpoint,
    find_filter_problems,
)
from tables.postgres.webhook_endpoints import WebhookEndpointStore

RESOLVE_TIMEOUT = 5.0  # seconds for the lookup of a host
PING_EXPIRY = 60.0  # seconds in which a test webhook is tried
POLL_INTERVAL = 0.1  # seconds
MAX_POLLS = 50  # of the result of a test webhook


@dataclass(frozen=True)
class EndpointRules:
    """What endpoints may be, from the section providers.webhook of faust.yml; without a box no secret can be made."""

    urls: UrlPolicy
    box: SecretBox | None


def build_endpoint_rules(section: Mapping[str, Any]) -> EndpointRules:
    """The rules of a section. Raises SettingError; a missing master secret is none: only who registers an endpoint needs it."""
    key = "allow"
    try:
        addresses = AddressPolicy(str(section[key]))
        key = "ports"
        ports = parse_ports(str(section[key]))
        key = "master_secret"
        box = SecretBox(decode_master_secret(str(section[key]))) if section[key] else None
    except ValueError as error:
        raise SettingError(f"providers.webhook.{key}", str(error)) from None
    return EndpointRules(UrlPolicy(str(section["allow_http"]).lower() == "true", ports, addresses), box)


class WebhookEndpointService:
    """`make_id` makes ids of deliveries; `clock` in epoch seconds."""

    def __init__(
        self,
        store: WebhookEndpointStore,
        rules: EndpointRules,
        resolver: Resolver,
        publisher: Publisher,
        *,
        read_random: RandomBytes,
        make_id: Callable[[str], str],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        partitions: int,
        topic_prefix: str,
    ) -> None:
        self.store = store
        self._rules, self._resolver, self._publisher = rules, resolver, publisher
        self._read_random, self._make_id, self._clock, self._sleep = read_random, make_id, clock, sleep
        self._partitions, self._topic = partitions, topic_prefix + PING_TOPIC

    async def create(self, request: EndpointRequest, origin: ChangeOrigin) -> CreatedEndpoint:
        """The new endpoint with its secret. Raises ProblemError for a URL that must not be called, and as WebhookEndpointStore.create."""
        url, endpoint_id = await self._check_url(request.url), self.store.make_endpoint_id()
        secret = self._make_secret(endpoint_id, request.signature)
        stored = msgspec.structs.replace(request, url=url)
        return _add_secret(await self.store.create(endpoint_id, stored, secret.sealed, secret.public_key, origin), secret)

    async def change(self, endpoint_id: str, change: EndpointChange, version: int | None, origin: ChangeOrigin) -> WebhookEndpoint:
        """The changed endpoint. Raises ProblemError, and as WebhookEndpointStore.change."""
        endpoint = await self.store.get(endpoint_id)
        _raise_for_problems(find_filter_problems(endpoint.kind, change.categories or [], change.statuses or []))
        if isinstance(change.url, str):
            change = msgspec.structs.replace(change, url=await self._check_url(change.url))
        return await self.store.change(endpoint_id, change, version, origin)

    async def rotate_secret(self, endpoint_id: str, rotation: SecretRotation, origin: ChangeOrigin) -> CreatedEndpoint:
        """The endpoint with its new secret. Raises as WebhookEndpointStore.rotate_secret."""
        endpoint = await self.store.get(endpoint_id)
        secret = self._make_secret(endpoint_id, endpoint.signature)
        rotated = await self.store.rotate_secret(endpoint_id, secret.sealed, secret.public_key, rotation.overlap, origin)
        return _add_secret(rotated, secret)

    async def ping(self, endpoint_id: str, data: Mapping[str, Any]) -> PingResult:
        """What became of a test webhook on the way of all others; PENDING if nothing is recorded in a few seconds.

        Raises DescribedUnavailableError if Kafka does not confirm it.
        """
        endpoint = await self.store.get(endpoint_id)
        delivery = self._build_ping(endpoint, data)
        user_key, partition = delivery.user_id.encode(), compute_partition(delivery.user_id, self._partitions)
        record = ProducerRecord(self._topic, partition, user_key, msgspec.json.encode(delivery))
        if not all(await self._publisher.publish([record])):
            raise DescribedUnavailableError("Kafka has not confirmed the test webhook; it may still be sent")
        for _ in range(MAX_POLLS):
            await self._sleep(POLL_INTERVAL)
            if result := await self.store.get_delivery_result(delivery.id, delivery.user_id):
                return result
        return PingResult(delivery.id, Status.PENDING)

    async def get_ping(self, endpoint_id: str, delivery_id: str) -> PingResult:
        """What is known of a test webhook; PENDING for one of which nothing is recorded."""
        endpoint = await self.store.get(endpoint_id)
        found = await self.store.get_delivery_result(delivery_id, _get_recipient(endpoint))
        return found or PingResult(delivery_id, Status.PENDING)

    def _build_ping(self, endpoint: WebhookEndpoint, data: Mapping[str, Any]) -> Delivery:
        now, content = self._clock(), WebhookContent(PING_TYPE, {**data, "endpoint_id": endpoint.id})
        return Delivery(
            id=self._make_id(DELIVERY_PREFIX),
            notification_id=self._make_id(MESSAGE_PREFIX),
            user_id=_get_recipient(endpoint),
            channel="webhook",
            address=endpoint.url,
            content=content,
            created_at=now,
            expires_at=now + PING_EXPIRY,
            type=PING_TYPE,
            endpoint_id=endpoint.id,
        )

    def _make_secret(self, endpoint_id: str, signature: Any) -> NewSecret:
        if self._rules.box is None:
            text = "providers.webhook.master_secret is empty, and without it the gateway cannot store a secret: an operator must set it"
            raise ProblemError(build_problem("unavailable", text))
        return self._rules.box.make_secret(endpoint_id, signature, self._read_random)

    async def _check_url(self, text: str) -> str:
        """The URL in normal form. Raises ProblemError for one that must not be called."""
        parsed = normalize_endpoint_url(text, self._rules.urls)
        if isinstance(parsed, FieldProblem):
            raise _build_problem([parsed])
        addresses = await self._resolve(parsed)
        _raise_for_problems(find_address_problems(self._rules.urls.addresses, parsed.host, addresses))
        return build_url(parsed)

    async def _resolve(self, parsed: ParsedUrl) -> list[str]:
        try:
            found = await self._resolver.resolve(parsed.host.strip("[]"), parsed.port, RESOLVE_TIMEOUT)
        except TimeoutError:
            raise DescribedUnavailableError("the name server of the host does not answer: try again") from None
        except (OSError, UnicodeError):
            return []
        return [str(entry[4][0]) for entry in found]


def _get_recipient(endpoint: WebhookEndpoint) -> str:
    """Whom a test webhook is recorded for: the user, or in the place of one the endpoint, as the project's own."""
    return endpoint.user_id or qualify(project_in_force.get() or "", endpoint.id)


def _raise_for_problems(problems: Iterable[FieldProblem]) -> None:
    if found := [*problems]:
        raise _build_problem(found)


def _build_problem(problems: Iterable[FieldProblem]) -> ProblemError:
    return ProblemError(build_validation_problem([build_field_error(*problem) for problem in problems]))


def _add_secret(endpoint: WebhookEndpoint, secret: NewSecret) -> CreatedEndpoint:
    values = {name: getattr(endpoint, name) for name in endpoint.__struct_fields__}
    return CreatedEndpoint(**values, secret=secret.text)
