"""Every line is handed in once, over the way it asks for, and what the gateway could not confirm is sent again under its id."""

import itertools
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest

from app.api.bodies import BulkTaken, Item
from app.api.problems import flaw_at
from app.demo.sample import Line
from app.demo.submit import BULK, TRIES, NotTaken, Response, Submitter
from app.demo.submitted import Outgoing, Place, numbered
from schemas.ids import NOTIFICATION, derived_id, is_id


class Log:
    """A Kafka of one topic that gives out offsets."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def send(self, record: Outgoing) -> Awaitable[Place]:
        self.records.append(record)
        return self._placed(len(self.records) - 1)

    async def _placed(self, offset: int) -> Place:
        return Place(self.records[offset].topic, 0, offset, 500.0)


class Gateway:
    """Answers with what it is given; then accepts everything, but refuses a type `bad`."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.bodies: list[list[dict[str, Any]]] = []

    async def post(self, body: bytes) -> Response:
        items = msgspec.json.decode(body)
        self.bodies.append(items)
        return self.answers.pop(0) if self.answers else accepted(items)


def accepted(items: list[dict[str, Any]], unavailable: int = -1) -> Response:
    results = [
        Item(index, "refused", errors=[flaw_at("$.type", "no", "unknown_type")])
        if item["type"] == "bad"
        else Item(index, "unavailable" if index == unavailable else "accepted", item["id"], "low")
        for index, item in enumerate(items)
    ]
    return Response(207, msgspec.json.encode(BulkTaken(0, 0, 0, results)))


class Hands:
    """A submitter with a clock that ticks and a pause that is noted."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.taken = 0
        ticks, bits = itertools.count(100.0), itertools.count(1)
        self.submitter = Submitter(lambda: next(ticks), lambda: next(bits), self.pause, "p.", 4, self.take)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def take(self, lines: int) -> None:
        self.taken += lines


def to_kafka(**fields: Any) -> Line:
    return Line(**{"via": "kafka", "expect": [], "lane": "low", "notification": {"user_id": "u", "type": "t"}, **fields})


def to_gateway(type_: str = "t") -> Line:
    return Line("http", [], None, {"user_id": "u", "type": type_})


async def test_lines_go_both_ways_and_come_back_in_order() -> None:
    hands, log, gateway = Hands(), Log(), Gateway()
    lines = [to_gateway(), to_kafka(), to_gateway("bad"), to_kafka(id="none"), to_kafka(notification=None, text="{", key="k")]
    found = await hands.submitter.all(numbered(lines), log, gateway)
    assert [each.line for each in found] == lines
    assert [is_id(each.id) for each in found] == [True, True, False, True, True]
    assert [each.rejected for each in found] == ["", "", "unknown_type", "", ""]
    assert found[3].id == derived_id(NOTIFICATION, 500.0, "p.notifications.low", "0", "1")
    assert (len(log.records), len(gateway.bodies[0]), hands.taken) == (3, 2, 5)


async def test_a_line_sent_again_has_the_same_bytes_and_id() -> None:
    hands, log, gateway = Hands(), Log(), Gateway()
    lines = [to_kafka(), Line("kafka", [], again=1), to_gateway(), Line("http", [], again=3)]
    found = await hands.submitter.all(numbered(lines), log, gateway)
    assert log.records[0] == log.records[1]
    assert gateway.bodies[0][0] == gateway.bodies[0][1]
    assert found[0].id == found[1].id != found[2].id == found[3].id


async def test_a_submission_is_timed_before_it_is_sent() -> None:
    found = await Hands().submitter.produce(numbered([to_kafka(), to_kafka()]), Log())
    assert [found[number].at for number in (1, 2)] == [100.0, 101.0]


async def test_many_items_go_in_several_requests() -> None:
    gateway = Gateway()
    found = await Hands().submitter.post(numbered([to_gateway()] * (BULK + 1)), gateway)
    assert [len(body) for body in gateway.bodies] == [BULK, 1]
    assert len({each.id for each in found.values()}) == BULK + 1


async def test_what_is_unavailable_is_sent_again_under_its_id() -> None:
    hands = Hands()
    items = [{"type": "t", "id": f"ntf_{number}"} for number in range(3)]
    gateway = Gateway(Response(503, b"", 4.0), accepted(items, unavailable=1))
    await hands.submitter.post(numbered([to_gateway()] * 3), gateway)
    assert [len(body) for body in gateway.bodies] == [3, 3, 1]
    assert gateway.bodies[2] == [gateway.bodies[0][1]]
    assert hands.pauses == [4.0, 1.0]


async def test_a_gateway_that_never_confirms_ends_the_sample() -> None:
    hands = Hands()
    with pytest.raises(NotTaken, match="1 notifications in 20 tries"):
        await hands.submitter.post(numbered([to_gateway()]), Gateway(*[Response(503, b"")] * TRIES))


async def test_a_wrong_key_ends_the_sample_with_the_gateways_words() -> None:
    with pytest.raises(NotTaken, match="401: missing key"):
        await Hands().submitter.post(numbered([to_gateway()]), Gateway(Response(401, b"missing key")))
