"""The pipeline on one screen agrees with the catalogue of topics and with the state that `herold topics` looks after."""

import pytest

from app.admin.topics import TABLE_TTL_HOURS
from app.topology import ROLES, TOPOLOGY, get_role_spec
from schemas.enums import CHANNELS
from schemas.topics import define_topics

TOPIC_NAMES = {topic.name for topic in define_topics()}


def test_every_topic_of_the_pipeline_is_in_the_catalogue() -> None:
    for stage in TOPOLOGY:
        assert {*stage.source_topics, *stage.sink_topics} <= TOPIC_NAMES, stage.role


def test_every_topic_is_read_by_exactly_one_role() -> None:
    read = [topic for stage in TOPOLOGY for topic in stage.source_topics]
    waiting_for_the_scheduler = {name for name in TOPIC_NAMES if name.startswith("scheduled.")}
    assert sorted(read) == sorted(TOPIC_NAMES - waiting_for_the_scheduler)


def test_what_a_role_writes_another_one_reads() -> None:
    written = {topic for stage in TOPOLOGY for topic in stage.sink_topics}
    assert written <= {topic for stage in TOPOLOGY for topic in stage.source_topics}


def test_tables_live_as_long_as_their_changelogs_are_looked_after() -> None:
    hours = {stage.role: {table: seconds // 3600 for table, seconds in stage.table_ttls.items()} for stage in TOPOLOGY if stage.table_ttls}
    assert hours == TABLE_TTL_HOURS


def test_roles() -> None:
    assert ("router", *CHANNELS, "recorder") == ROLES
    assert get_role_spec("sms").source_topics[0] == "deliveries.sms.high"
    with pytest.raises(KeyError):
        get_role_spec("fax")
