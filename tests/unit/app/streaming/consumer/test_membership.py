"""The assigned partitions follow each assignment of Faust."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from app.streaming.consumer.membership import ConsumerMembership

CHANGELOG = TP("t-router-seen-changelog", 3)
SOURCE = TP("t-notifications.high", 0)


def build_membership(app: Any) -> ConsumerMembership:
    return ConsumerMembership(app, SimpleNamespace(), lambda tp: tp == CHANGELOG)


def test_a_standby_partition_is_not_assigned() -> None:
    membership = build_membership(SimpleNamespace(_assignment={SOURCE, CHANGELOG}))
    assert [membership.is_assigned(number) for number in (0, 3, 1)] == [True, False, False]
    assert membership.count_assigned() == 1


def test_is_assigned_follows_each_assignment() -> None:
    app = SimpleNamespace(_assignment=None)
    membership, results = build_membership(app), []
    for assignment in (None, {TP("t", 1)}, {TP("t", 1), TP("t", 2)}, set()):
        app._assignment = assignment
        results.append([membership.is_assigned(number) for number in (1, 2)])
    assert results == [[False, False], [True, False], [True, True], [False, False]]
