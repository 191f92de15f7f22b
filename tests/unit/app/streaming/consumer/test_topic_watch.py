"""A topic with another id than before was made anew."""

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from faust.types import TP

from app.streaming.consumer.topic_ids import TopicIdRequest
from app.streaming.consumer.topic_watch import TopicIdCheck

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
