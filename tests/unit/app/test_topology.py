"""The pipeline on one screen agrees with the catalogue of topics and with the state that `herold topics` looks after."""

import pytest

from app.topics import STATE
from app.topology import PIPELINE, ROLES, stage_of
from schemas.topics import catalogue
from schemas.words import CHANNELS

NAMES = {topic.name for topic in catalogue()}


def test_every_topic_of_the_pipeline_is_in_the_catalogue() -> None:
    for stage in PIPELINE:
        assert {*stage.reads, *stage.writes} <= NAMES, stage.role


def test_every_topic_is_read_by_exactly_one_role() -> None:
    read = [topic for stage in PIPELINE for topic in stage.reads]
    waiting_for_the_scheduler = {name for name in NAMES if name.startswith("scheduled.")}
    assert sorted(read) == sorted(NAMES - waiting_for_the_scheduler)


def test_what_a_role_writes_another_one_reads() -> None:
    written = {topic for stage in PIPELINE for topic in stage.writes}
    assert written <= {topic for stage in PIPELINE for topic in stage.reads}


def test_tables_live_as_long_as_their_changelogs_are_looked_after() -> None:
    hours = {stage.role: {table: seconds // 3600 for table, seconds in stage.tables.items()} for stage in PIPELINE if stage.tables}
    assert hours == STATE


def test_roles() -> None:
    assert ("router", *CHANNELS, "recorder") == ROLES
    assert stage_of("sms").reads[0] == "deliveries.sms.high"
    with pytest.raises(KeyError):
        stage_of("fax")
