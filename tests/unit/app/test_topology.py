"""The topology agrees with the topics of schemas/topics.py, and every topic has a consumer."""

import pytest

from app.topology import ROLES, TOPOLOGY, get_role_spec
from schemas.channels import CHANNEL_NAMES
from schemas.topics import TOPICS

TOPIC_NAMES = {topic.name for topic in TOPICS}
DAY = 24 * 3600


def test_every_topic_of_the_topology_is_defined() -> None:
    for spec in TOPOLOGY:
        assert {*spec.source_topics, *spec.sink_topics} <= TOPIC_NAMES, spec.role


def test_every_topic_is_the_source_of_exactly_one_role() -> None:
    source_topics = [topic for spec in TOPOLOGY for topic in spec.source_topics]
    assert sorted(source_topics) == sorted(TOPIC_NAMES)


def test_every_sink_topic_is_a_source_topic() -> None:
    sink_topics = {topic for spec in TOPOLOGY for topic in spec.sink_topics}
    assert sink_topics <= {topic for spec in TOPOLOGY for topic in spec.source_topics}


def test_the_tables_of_each_role_and_the_time_to_live_of_their_rows() -> None:
    assert {spec.role: spec.table_ttls for spec in TOPOLOGY} == {
        "router": {"idempotency": 2 * DAY, "rate_windows": 7 * DAY, "digests": 40 * DAY},
        **{channel: {"attempts": 3 * DAY} for channel in CHANNEL_NAMES},
        "webhook": {"attempts": 3 * DAY, "endpoint_order": 3 * DAY},
        "scheduler": {"due": None},
        "recorder": {},
    }


def test_roles() -> None:
    assert ("router", *CHANNEL_NAMES, "scheduler", "recorder") == ROLES
    assert get_role_spec("sms").source_topics[0] == "deliveries.sms.high"
    with pytest.raises(KeyError):
        get_role_spec("fax")
