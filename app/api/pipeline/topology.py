"""The picture of the pipeline with what flows through it: app/topology.py with lag and rates; pure."""

from collections.abc import Iterable, Iterator
from functools import partial

from app.api.pipeline.bodies import Lag, PartitionState, TopologyEdge, TopologyNode, TopologyResponse
from app.api.pipeline.offsets import get_positions, sum_lags
from app.api.pipeline.snapshot import Snapshot, describe_sources, name_worker
from app.api.pipeline.workers import describe_role_problem
from app.api.provider_bodies import ProviderAccount
from app.topology import GATEWAY_SINK_TOPICS, TOPOLOGY, RoleSpec
from schemas.enums import PRIORITIES

PRODUCERS, POSTGRES, RECORDER = "producers", "store:postgres", "recorder"
READERS = {topic: spec.role for spec in TOPOLOGY for topic in spec.source_topics}
"""The role that reads each topic."""


def build_topology(snapshot: Snapshot) -> TopologyResponse:
    """The response with all nodes and edges."""
    nodes = [
        TopologyNode(PRODUCERS, "producers", "producers", PRODUCERS, rate_out=_sum(find_producers_rates(snapshot).values())),
        *(build_topic(snapshot, topic) for topic in READERS),
        *(build_role_node(snapshot, spec) for spec in TOPOLOGY),
        *(node for spec in TOPOLOGY for node in list_tables(snapshot, spec)),
        TopologyNode(POSTGRES, "store", "PostgreSQL", POSTGRES, rate_in=find_rows_rate(snapshot)),
        *(build_provider(snapshot, account) for account in snapshot.list_accounts()),
    ]
    return TopologyResponse(snapshot.now, describe_sources(snapshot, "kafka", "workers", "breakers"), nodes, list(list_edges(snapshot)))


def build_topic(snapshot: Snapshot, topic: str) -> TopologyNode:
    """A topic with what waits in each of its partitions for the role that reads it."""
    role, series = READERS[topic], snapshot.series
    partitions = list_partitions(snapshot, role, topic)
    waiting = [state.lag for state in partitions]
    lag = Lag(sum(one.messages for one in waiting), max(one.seconds for one in waiting)) if waiting else None
    return TopologyNode(
        f"topic:{topic}",
        "topic",
        topic,
        f"topics:{name_family(topic)}",
        series.find_arrival_rate(topic),
        series.find_consumption_rate(role, topic),
        lag,
        partitions,
        sorted({state.worker for state in partitions if state.worker}),
    )


def name_family(topic: str) -> str:
    """What a topic is drawn with: those of one kind and three priorities are one."""
    name, _, priority = topic.rpartition(".")
    return name if priority in PRIORITIES else topic


def list_partitions(snapshot: Snapshot, role: str, topic: str) -> list[PartitionState]:
    """The partitions of a topic; none before Kafka has answered."""
    latest = snapshot.series.latest
    if latest is None:
        return []
    positions = get_positions(latest, role, topic)
    return [
        PartitionState(
            lag.partition,
            latest.ends[topic][lag.partition],
            positions[lag.partition],
            Lag(lag.messages, lag.seconds),
            snapshot.find_worker(role, lag.partition),
        )
        for lag in snapshot.series.list_lags(role, topic, snapshot.now)
    ]


def find_role_lag(snapshot: Snapshot, spec: RoleSpec) -> Lag | None:
    """What waits for a role on all its topics; None before Kafka has answered."""
    if snapshot.series.latest is None:
        return None
    return Lag(*sum_lags(lag for topic in spec.source_topics for lag in snapshot.series.list_lags(spec.role, topic, snapshot.now)))


def build_role_node(snapshot: Snapshot, spec: RoleSpec) -> TopologyNode:
    """A role with its workers."""
    consumed = [snapshot.series.find_consumption_rate(spec.role, topic) for topic in spec.source_topics]
    group = snapshot.get_group(spec.role)
    workers = [snapshot.name_member(spec.role, member) for member in group.members] if group else []
    produced = [find_produced_rate(snapshot, spec.role, topic) for topic in spec.sink_topics]
    return TopologyNode(
        f"role:{spec.role}",
        "role",
        spec.role,
        f"role:{spec.role}",
        _sum(consumed),
        _sum(produced),
        find_role_lag(snapshot, spec),
        workers=sorted(workers) or sorted(name_worker(answer.url) for answer in snapshot.list_answers(spec.role)),
        problem=describe_role_problem(snapshot, spec.role),
    )


def list_tables(snapshot: Snapshot, spec: RoleSpec) -> Iterator[TopologyNode]:
    """The tables of a role, with their estimated sizes."""
    for table in spec.tables:
        reports = [
            one for answer in snapshot.list_answers(spec.role) if answer.report for one in answer.report.tables if one.name == table.name
        ]
        details: dict[str, str | int | float] = (
            {"row_count": sum(one.row_count for one in reports), "size_bytes": sum(one.size_bytes for one in reports)} if reports else {}
        )
        rate = find_produced_rate(snapshot, spec.role, f"{spec.role}-{table.name}-changelog")
        yield TopologyNode(f"table:{spec.role}/{table.name}", "table", table.name, f"role:{spec.role}", rate, details=details)


def build_provider(snapshot: Snapshot, account: ProviderAccount) -> TopologyNode:
    """An account of a provider; it has a problem while its breaker is open."""
    problem = f"its breaker is open: {account.breaker.cause}" if account.breaker else ""
    details: dict[str, str | int | float] = {"weight": account.weight, "channel": account.channel}
    rate = find_calls_rate(snapshot, account)
    name = f"provider:{account.name}"
    return TopologyNode(name, "provider", account.name, name, rate, problem=problem, details=details)


def list_edges(snapshot: Snapshot) -> Iterator[TopologyEdge]:
    """The ways of records."""
    producers = find_producers_rates(snapshot)
    for topic in dict.fromkeys(GATEWAY_SINK_TOPICS):
        yield TopologyEdge(PRODUCERS, f"topic:{topic}", producers.get(topic))
    for spec in TOPOLOGY:
        role, find_produced = f"role:{spec.role}", partial(find_produced_rate, snapshot, spec.role)
        for topic in spec.source_topics:
            yield TopologyEdge(f"topic:{topic}", role, snapshot.series.find_consumption_rate(spec.role, topic))
        for topic in spec.sink_topics:
            yield TopologyEdge(role, f"topic:{topic}", find_produced(topic))
        for table in spec.tables:
            yield TopologyEdge(role, f"table:{spec.role}/{table.name}", find_produced(f"{spec.role}-{table.name}-changelog"))
    yield TopologyEdge(f"role:{RECORDER}", POSTGRES, find_rows_rate(snapshot))
    for account in snapshot.list_accounts():
        yield TopologyEdge(f"role:{account.channel}", f"provider:{account.name}", find_calls_rate(snapshot, account))


def find_produced_rate(snapshot: Snapshot, role: str, topic: str) -> float | None:
    """Records per second that the workers of a role wrote to a topic; None if they do not say."""
    rates = snapshot.reports.value.rates.get(role) if snapshot.reports.value else None
    return rates.produced.get(topic, 0.0) if rates else None


def find_producers_rates(snapshot: Snapshot) -> dict[str, float]:
    """What gateways and producers write: what arrives on a topic, without what the workers wrote; only where both are known."""
    rates: dict[str, float] = {}
    for topic in dict.fromkeys(GATEWAY_SINK_TOPICS):
        arrived = snapshot.series.find_arrival_rate(topic)
        written = [find_produced_rate(snapshot, spec.role, topic) for spec in TOPOLOGY if topic in spec.sink_topics]
        if arrived is not None and None not in written:
            rates[topic] = max(0.0, arrived - sum(rate or 0.0 for rate in written))
    return rates


def find_rows_rate(snapshot: Snapshot) -> float | None:
    """Rows per second that the recorder writes to PostgreSQL."""
    rates = snapshot.reports.value.rates.get(RECORDER) if snapshot.reports.value else None
    return rates.rows if rates else None


def find_calls_rate(snapshot: Snapshot, account: ProviderAccount) -> float | None:
    """Calls per second of an account; None if its channel has others, because workers count the calls of a channel."""
    is_only = sum(other.channel == account.channel for other in snapshot.list_accounts()) == 1
    rates = snapshot.reports.value.rates.get(account.channel) if snapshot.reports.value else None
    return rates.calls if rates and is_only else None


def _sum(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None
