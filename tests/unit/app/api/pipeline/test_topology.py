from msgspec.structs import replace

from app.api.pipeline.bodies import Lag, PartitionState, TopologyNode, TopologyResponse
from app.api.pipeline.offsets import OffsetSeries
from app.api.pipeline.reports import Rates
from app.api.pipeline.snapshot import Snapshot
from app.api.pipeline.topology import build_topology, name_family
from app.topology import GATEWAY_SINK_TOPICS, ROLES, TOPOLOGY
from tests.unit.app.api.pipeline.builders import ACCOUNT, BROKEN, NOW, TABLE, build_answer, build_offsets, build_series, build_snapshot

TOPIC = "notifications.high"
NO_RATES = Rates({}, 0.0, 0.0)


def find_node(response: TopologyResponse, name: str) -> TopologyNode:
    return next(node for node in response.nodes if node.id == name)


def find_rates(snapshot: Snapshot) -> dict[tuple[str, str], float | None]:
    return {(edge.source, edge.target): edge.rate for edge in build_topology(snapshot).edges}


def build_busy_series() -> OffsetSeries:
    """100 records per second arrive, and 90 are read."""
    return build_series(build_offsets(NOW - 10, {TOPIC: (500, 500)}, 0), build_offsets(NOW, {TOPIC: (1500, 500)}, 450))


def test_the_picture_is_that_of_the_code() -> None:
    response = build_topology(build_snapshot())
    nodes = {node.id for node in response.nodes}
    edges = {(edge.source, edge.target) for edge in response.edges}
    assert len(nodes) == len(response.nodes)
    assert len(edges) == len(response.edges)
    assert {name for edge in edges for name in edge} <= nodes
    for spec in TOPOLOGY:
        assert {(f"topic:{topic}", f"role:{spec.role}") for topic in spec.source_topics} <= edges
        assert {(f"role:{spec.role}", f"topic:{topic}") for topic in spec.sink_topics} <= edges
    assert {("producers", f"topic:{topic}") for topic in GATEWAY_SINK_TOPICS} <= edges


def test_a_topic_has_what_waits_in_each_partition_and_who_reads_it() -> None:
    node = find_node(build_topology(build_snapshot(series=build_busy_series())), f"topic:{TOPIC}")
    assert (node.rate_in, node.rate_out, node.lag, node.group) == (100.0, 90.0, Lag(1100, 10.0), "topics:notifications")
    assert node.partitions[0] == PartitionState(0, 1500, 450, Lag(1050, 10.0), "router-1:6066")
    assert node.workers == ["router-1:6066"]


def test_before_kafka_has_answered_nothing_is_known_of_topics() -> None:
    response = build_topology(build_snapshot(series=build_series(), groups={}, problems={"offsets": "away"}))
    node, role = find_node(response, f"topic:{TOPIC}"), find_node(response, "role:router")
    assert (node.rate_in, node.lag, node.partitions, role.lag) == (None, None, [], None)
    assert response.sources["kafka"].problem == "away"


def test_an_edge_has_the_rate_of_what_its_source_writes() -> None:
    rates = {"router": Rates({"deliveries.email.high": 80.0, "router-idempotency-changelog": 95.0}, 0.0, 0.0)}
    found = find_rates(build_snapshot(rates=rates, series=build_busy_series()))
    assert found["role:router", "topic:deliveries.email.high"] == 80.0
    assert found["role:router", "topic:deliveries.sms.high"] == 0.0
    assert found["role:router", "table:router/idempotency"] == 95.0
    assert found["role:scheduler", "topic:deliveries.email.high"] is None
    assert found[f"topic:{TOPIC}", "role:router"] == 90.0


def test_producers_write_what_the_workers_do_not() -> None:
    rates = dict.fromkeys(ROLES, NO_RATES) | {
        "scheduler": Rates({TOPIC: 30.0}, 0.0, 0.0),
        "router": Rates({"scheduled.low": 5.0}, 0.0, 0.0),
    }
    found = find_rates(build_snapshot(rates=rates, series=build_busy_series()))
    assert found["producers", f"topic:{TOPIC}"] == 70.0
    assert found["producers", "topic:scheduled.low"] == 0.0
    assert find_rates(build_snapshot(series=build_busy_series()))["producers", f"topic:{TOPIC}"] is None


def test_a_provider_shows_its_calls_and_its_open_breaker() -> None:
    rates = {"email": Rates({}, 7.0, 0.0), "recorder": Rates({}, 0.0, 3.0)}
    found = find_rates(build_snapshot(rates=rates, accounts=[BROKEN]))
    assert found["role:email", "provider:sendgrid"] == 7.0
    assert found["role:recorder", "store:postgres"] == 3.0
    several = find_rates(build_snapshot(rates=rates, accounts=[ACCOUNT, replace(ACCOUNT, name="smtp")]))
    assert several["role:email", "provider:smtp"] is None
    node = find_node(build_topology(build_snapshot(accounts=[BROKEN])), "provider:sendgrid")
    assert node.problem == "its breaker is open: account_fault"


def test_accounts_for_tests_are_not_in_the_picture() -> None:
    nodes = build_topology(build_snapshot(accounts=[replace(ACCOUNT, is_test=True)])).nodes
    assert not [node for node in nodes if node.kind == "provider"]


def test_a_table_has_the_size_that_its_workers_say() -> None:
    answers = [build_answer("router", tables=[TABLE]), build_answer("router", "2", tables=[TABLE])]
    response = build_topology(build_snapshot(answers=answers))
    assert find_node(response, "table:router/idempotency").details == {"row_count": 20, "size_bytes": 8192}
    assert find_node(response, "table:router/digests").details == {}


def test_topics_of_three_priorities_are_drawn_as_one() -> None:
    assert name_family("deliveries.email.low") == "deliveries.email"
    assert name_family("notifications.status") == "notifications.status"
