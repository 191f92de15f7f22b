"""A line becomes the record or the item that a producer would write, and is found under the id that the router gives it."""

from typing import Any

import msgspec
import pytest

from agents.router.case import Source
from agents.router.decode import opened
from app.demo.sample import Line, Repeat
from app.demo.submitted import Place, id_in, item_of, numbered, record_of
from schemas.ids import NOTIFICATION, new_id, partition_of

OURS = new_id(NOTIFICATION, 1000.0, 1)
SAID: dict[str, Any] = {"user_id": "u-1", "type": "t"}


def line(**fields: Any) -> Line:
    return Line(**{"via": "kafka", "expect": ["routed"], "lane": "low", "notification": SAID, **fields})


def test_a_record_has_our_id_the_users_key_and_the_users_partition() -> None:
    record = record_of(line(), OURS, "p.", 12)
    assert (record.topic, record.key, record.partition) == ("p.notifications.low", b"u-1", partition_of("u-1", 12))
    assert msgspec.json.decode(record.value or b"") == {"id": OURS, **SAID}


@pytest.mark.parametrize(
    ("fields", "key", "partition"),
    [
        ({"key": "somebody"}, b"somebody", partition_of("somebody", 4)),
        ({"partition": "other"}, b"u-1", (partition_of("u-1", 4) + 1) % 4),
        ({"partition": "murmur2"}, b"u-1", None),
    ],
)
def test_a_record_may_stray(fields: dict[str, Any], key: bytes, partition: int | None) -> None:
    record = record_of(line(**fields), OURS, "", 4)
    assert (record.key, record.partition) == (key, partition)


@pytest.mark.parametrize("how", ["none", "given"])
def test_a_record_without_an_id_of_ours_goes_as_it_is(how: str) -> None:
    assert msgspec.json.decode(record_of(line(id=how), OURS, "", 4).value or b"") == SAID


def test_other_values_go_as_they_are() -> None:
    assert record_of(line(notification=None, text="{", key="k"), OURS, "", 4).value == b"{"
    assert record_of(line(notification=None, null=True, key="k", headers={"h": "1"}), OURS, "", 4)[3:] == (None, [("h", b"1")])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lane": None}, {**SAID, "id": OURS}),
        ({"lane": "high"}, {**SAID, "id": OURS, "priority": "high"}),
        ({"lane": None, "id": "none"}, SAID),
        ({"lane": None, "id": "none", "repeat": Repeat("x", "ab", 2)}, {**SAID, "data": {"x": "abab"}}),
    ],
)
def test_an_item_of_a_bulk_request(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert item_of(line(via="http", **fields), OURS) == expected


class Read:
    """A record as the router reads it."""

    def __init__(self, place: Place, value: bytes | None) -> None:
        self.offset, self.timestamp, self.key, self.value, self.headers = place.offset, int(place.at * 1000), b"u-1", value, ()


@pytest.mark.parametrize(
    "sent",
    [line(), line(id="none"), line(id="given", notification={**SAID, "id": "17"}), line(notification=None, text="{")],
    ids=["ours", "none", "not an id", "not json"],
)
def test_the_router_gives_it_the_same_id(sent: Line) -> None:
    place = Place("notifications.low", partition_of("u-1", 4), 17, 1000.25)
    record = record_of(sent, OURS, "", 4) if sent.notification else None
    value = record.value if record else sent.bytes
    source = Source("notifications.low", "low", {}, "status", "dlq")
    case = opened(Read(place, value), source, place.partition, 1000.3)
    assert case.id == id_in(sent, OURS, place)


def test_a_line_that_is_sent_again_is_the_earlier_one() -> None:
    first, again = line(), Line("kafka", ["repeated"], again=1)
    assert numbered([first, again])[1] == (2, again, first)
