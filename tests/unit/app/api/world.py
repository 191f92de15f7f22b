"""A gateway whose Kafka, history and Redis are in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec
from litestar.testing import TestClient

from app.api.asgi import assembled
from app.api.doorman import Asgi
from app.api.intake import Intake
from app.api.ports import Outgoing
from app.api.readiness import Readings
from app.api.services import Services
from app.telemetry import Metrics
from schemas.errors import Unavailable
from schemas.history import Story
from schemas.ids import NOTIFICATION, new_id
from schemas.notification import Notification
from schemas.replies import Begun, Fresh, Other, Reply, Running, Started
from schemas.rules import Policy, Rule, Template
from schemas.words import Channel, Lane

NOW = 1_760_000_000.0
KEY = "k" * 32
HEADERS = {"authorization": f"Bearer {KEY}"}
RULES = {"order.shipped": Rule("order.shipped", "transactional", "low", ("email",), template="order-shipped")}
TEMPLATES = (Template("order-shipped", 1, "email", "default", "s", "t"),)
POLICY = Policy(RULES, TEMPLATES, (), 1)
RECEIPTS: dict[Channel, int] = {"email": 0, "sms": 60, "push": 0, "webhook": 0}


def an_id(bits: int = 1, at: float = NOW) -> str:
    """An id of the time `at`."""
    return new_id(NOTIFICATION, at, bits)


@dataclass
class MemoryPublisher:
    """Confirms what `confirms` says; keeps what it was given."""

    records: list[Outgoing] = field(default_factory=list)
    confirms: Iterator[bool] | None = None
    cause: str = ""

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[bool]:
        self.records += records
        return [next(self.confirms) if self.confirms else not self.cause for _ in records]

    def trouble(self) -> str:
        return self.cause

    def notifications(self) -> list[Notification]:
        """What was written, decoded as the router does it."""
        return [msgspec.json.decode(record.value, type=Notification) for record in self.records]


@dataclass
class MemoryPolicies:
    """A policy, or none yet."""

    policy: Policy | None = field(default_factory=lambda: POLICY)

    def current(self) -> Policy:
        if self.policy is None:
            raise Unavailable("never loaded")
        return self.policy


@dataclass
class MemoryRecent:
    """Accepted a moment ago."""

    lanes: dict[str, Lane] = field(default_factory=dict)

    async def remember(self, accepted: Sequence[Fresh]) -> None:
        self.lanes.update({fresh.id: fresh.lane for fresh in accepted})

    async def lane_of(self, notification_id: str) -> Lane | None:
        return self.lanes.get(notification_id)


@dataclass
class MemoryReplies:
    """First answers by key; None as answer: still running."""

    kept: dict[str, tuple[str, Reply | None]] = field(default_factory=dict)

    async def begin(self, key: str, request_hash: str) -> Begun:
        if key not in self.kept:
            self.kept[key] = (request_hash, None)
            return Started("token")
        known, reply = self.kept[key]
        if known != request_hash:
            return Other()
        return reply or Running()

    async def end(self, key: str, request_hash: str, token: str, reply: Reply) -> None:
        self.kept[key] = (request_hash, reply)

    async def forget(self, key: str, token: str) -> None:
        del self.kept[key]


@dataclass
class MemoryHistory:
    """Stories by id; `gone` stands for a PostgreSQL that does not answer."""

    stories: dict[str, Story] = field(default_factory=dict)
    gone: bool = False

    async def story(self, notification_id: str) -> Story | None:
        if self.gone:
            raise Unavailable("gone")
        return self.stories.get(notification_id)

    async def of_user(self, user_id: str, limit: int, before: str | None) -> Sequence[Story]:
        if self.gone:
            raise Unavailable("gone")
        theirs = [(an_id, story) for an_id, story in self.stories.items() if story.accepted and story.accepted.user_id == user_id]
        return [story for an_id, story in sorted(theirs, reverse=True) if before is None or an_id < before][:limit]


@dataclass
class World:
    """The ports of one gateway, and a client that shows the key."""

    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    policies: MemoryPolicies = field(default_factory=MemoryPolicies)
    recent: MemoryRecent = field(default_factory=MemoryRecent)
    replies: MemoryReplies = field(default_factory=MemoryReplies)
    history: MemoryHistory = field(default_factory=MemoryHistory)
    metrics: Metrics = field(default_factory=Metrics)
    now: float = NOW

    def clock(self) -> float:
        return self.now

    async def kafka(self) -> str:
        return self.publisher.cause

    async def postgres(self) -> str:
        return "gone" if self.history.gone else ""

    def app(self, body_limit: int = 1_000_000) -> Asgi:
        numbers = count(1)
        intake = Intake(
            self.publisher, self.policies, self.replies, self.recent, self.clock, lambda: next(numbers), partitions=4, prefix="t."
        )
        self.readings = Readings({"kafka": self.kafka, "postgres": self.postgres}, frozenset({"kafka"}), self.clock)
        services = Services(intake, self.history, self.recent, self.readings, self.metrics, self.clock, RECEIPTS)
        return assembled(services, KEY, body_limit, self.clock)

    def client(self, body_limit: int = 1_000_000) -> TestClient:  # type: ignore[type-arg]
        client = TestClient(self.app(body_limit))
        client.headers.update(HEADERS)
        return client
