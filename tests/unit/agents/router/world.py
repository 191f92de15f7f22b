"""The world of a router in memory: twins of its ports, and a policy small enough to read in one look."""

from asyncio import Future, get_running_loop
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.router.router import Router
from agents.router.settle import RoutedBatch
from schemas.delivery import Delivery
from schemas.errors import Unavailable
from schemas.ids import derived_id, partition_of
from schemas.ports import Batch, Header, Outbox, Rows, Table
from schemas.rules import Policy, Profile, RateLimit, Rule, Template
from schemas.status import Accepted
from schemas.topics import MAX_DEAD_LETTER_BYTES
from tests.memory import MemoryCommit, MemoryKafka, MemoryOutbox, MemoryTable
from tests.unit.agents.router.policy import POLICY

NOW = 1_760_000_000.0
PARTITIONS = 4
USER = "u-42"
HOME = partition_of(USER, PARTITIONS)

Value = bytes | dict[str, Any] | None


@dataclass(frozen=True)
class Read:
    """A record as the consumer gives it."""

    value: bytes | None
    offset: int = 0
    timestamp: int = int(NOW * 1000)
    key: bytes | None = USER.encode()
    headers: Sequence[Header] = ()


@dataclass(frozen=True)
class Written:
    """A record as the outbox took it."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class WatchedCommit(MemoryCommit):
    """Commits that remember the order of all records; `slow` ones are not safe before the test says so."""

    def __init__(self) -> None:
        super().__init__(MemoryKafka(MAX_DEAD_LETTER_BYTES))
        self.sent: list[Written] = []
        self.commits: list[tuple[int, list[str], list[str]]] = []
        self.slow = False
        self.on_the_way: list[Future[None]] = []

    def commit(
        self, partition: int, outbox: Outbox, rows: Sequence[tuple[Table, Rows]], claims: Sequence[tuple[Table, Rows]] = ()
    ) -> Future[None]:
        """Finish a batch."""
        assert isinstance(outbox, MemoryOutbox)
        added = list(outbox.added)
        safe = super().commit(partition, outbox, rows, claims)
        if safe.exception() is None:
            self.sent += (Written(topic, number, one.key, one.value, one.headers) for topic, number, one in added)
            self.commits.append((partition, [table.name for table, _ in claims], [table.name for table, _ in rows]))
        if self.slow:
            safe = get_running_loop().create_future()
            self.on_the_way.append(safe)
        return safe


@dataclass
class MemoryPolicies:
    """The policy in force, or none as long as PostgreSQL is away."""

    policy: Policy | None = POLICY

    def current(self) -> Policy:
        if self.policy is None:
            raise Unavailable("no rules yet")
        return self.policy


@dataclass
class MemoryProfiles:
    """Profiles in a dict; `away` answers so many calls with Unavailable."""

    known: dict[str, Profile] = field(default_factory=dict)
    away: int = 0
    asked: list[list[str]] = field(default_factory=list)

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.asked.append(list(user_ids))
        if self.away:
            self.away -= 1
            raise Unavailable("no profiles now")
        return {user_id: self.known.get(user_id, Profile(user_id, known=False)) for user_id in self.asked[-1]}


class World:
    """A router and all it touches."""

    def __init__(self, policy: Policy = POLICY, prefix: str = "") -> None:
        ada = Profile(USER, True, {"email": ["ada@example.org"], "sms": ["+12025550101"], "push": ["phone", "tablet"]}, "de-AT")
        self.now = NOW
        self.policies, self.profiles = MemoryPolicies(policy), MemoryProfiles({USER: ada})
        self.idempotency, self.windows, self.commit = MemoryTable("idempotency"), MemoryTable("rate_windows"), WatchedCommit()
        self.pauses: list[float] = []
        self.batches: list[RoutedBatch] = []
        self.let_go: list[str] = []
        self.router = Router(
            self.policies,
            self.profiles,
            self.idempotency,
            self.windows,
            self.commit,
            lambda: self.now,
            PARTITIONS,
            prefix,
            lambda seconds: self.pause(seconds),
            self.batches.append,
        )

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def route(self, *values: Value | Read, partition: int = HOME, topic: str = "notifications.medium") -> None:
        """Route a batch; what is not a record yet becomes one, at the next offset."""
        records = [one if isinstance(one, Read) else Read(json(one), offset) for offset, one in enumerate(values)]
        safe = await self.router.route(Batch(topic, partition, records), lambda: self.let_go.append(topic))
        await safe

    def on(self, topic: str) -> list[Written]:
        """What was produced to a topic."""
        return [record for record in self.commit.sent if record.topic == topic]

    @property
    def accepted(self) -> list[Accepted]:
        """The Accepted events, in order."""
        return [msgspec.json.decode(record.value or b"", type=Accepted) for record in self.on("notifications.status")]

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries of all channels, in order."""
        return [msgspec.json.decode(r.value or b"", type=Delivery) for r in self.commit.sent if r.topic.startswith("deliveries.")]

    @property
    def outcome(self) -> tuple[str, str]:
        """State and reason of the last Accepted event."""
        last = self.accepted[-1]
        return last.state, last.reason


def json(value: Value) -> bytes | None:
    """The value of a record: a notification as JSON, anything else as it is."""
    return msgspec.json.encode(value) if isinstance(value, dict) else value


def an_id(number: int, at: float = NOW) -> str:
    """A notification's id."""
    return derived_id("ntf_", at, str(number))


def notification(**fields: Any) -> dict[str, Any]:
    """A valid notification of the user, with these fields instead of its own; None leaves one out."""
    whole = {"id": an_id(1), "user_id": USER, "type": "order.shipped", "data": {"order": 17, "name": "Ada"}, **fields}
    return {name: value for name, value in whole.items() if value is not None}


def policy(
    rules: Iterable[Rule] | None = None, templates: Iterable[Template] | None = None, limits: Iterable[RateLimit] | None = None
) -> Policy:
    """The policy of the tests, with some of it replaced."""
    return Policy(
        POLICY.rules if rules is None else {rule.type: rule for rule in rules},
        POLICY.templates if templates is None else tuple(templates),
        POLICY.limits if limits is None else tuple(limits),
    )
