"""A topic with another id than before was made anew."""

import logging
from types import SimpleNamespace

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from faust.types import TP

from app.streaming.consumer.topic_watch import TopicIdCheck, TopicIdRequest, TopicWatch

P, Q = TP("notifications.low", 0), TP("notifications.low", 1)
OLD, NEW = {"notifications.low": b"1" * 16}, {"notifications.low": b"2" * 16}


def test_each_partition_is_compared_with_the_id_it_was_read_from() -> None:
    check = TopicIdCheck()
    assert check.find_changed([P], OLD) == []
    assert check.find_changed([P, Q], NEW) == [P]
    assert check.find_changed([P], {}) == [], "the topic does not exist at the moment"
    assert check.is_changed(P, NEW)
    check.forget(P)
    assert not check.is_changed(P, NEW), "its position was set anew while the offsets of the new topic were asked for"
    assert check.find_changed([P, Q], NEW) == []


def test_a_broker_without_topic_ids_is_not_asked() -> None:
    with pytest.raises(IncompatibleBrokerVersion):
        TopicIdRequest(["notifications.low"]).prepare({3: (0, 9)})


async def test_an_outage_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    app = SimpleNamespace(tables=SimpleNamespace(changelog_topics=set()), consumer_generation_id=1)
    client = SimpleNamespace(get_random_node=lambda: None)
    delegate = SimpleNamespace(_consumer=SimpleNamespace(_closed=False, _client=client, assignment=lambda: [P]))
    watch = TopicWatch(SimpleNamespace(app=app), delegate, 5.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await watch.check()
    assert len(caplog.records) == 1, caplog.text
    assert "asked for every 5 s" in caplog.text
