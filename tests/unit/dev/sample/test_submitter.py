"""Every line is handed in once, over the way it asks for, and what the gateway could not confirm is sent again under its id."""

import itertools
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest

from app.api.problems import build_field_error
from app.api.responses import BulkResult, BulkSubmissionResponse
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import ProducerRecord, RecordMetadata, number_lines
from dev.sample.submitter import BULK_SIZE, MAX_TRIES, BulkResponse, SubmissionError, Submitter
from schemas.ids import NOTIFICATION_PREFIX, derive_id, is_id


class FakeProducer:
    """A Kafka of one topic that gives out offsets."""

    def __init__(self) -> None:
        self.records: list[ProducerRecord] = []

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]:
        self.records.append(record)
        return self._build_metadata(len(self.records) - 1)

    async def _build_metadata(self, offset: int) -> RecordMetadata:
        return RecordMetadata(self.records[offset].topic, 0, offset, 500.0)


class FakeGateway:
    """Answers with what it is given; then accepts everything, but refuses a type `bad`."""

    def __init__(self, *answers: BulkResponse) -> None:
        self.responses = list(answers)
        self.bodies: list[list[dict[str, Any]]] = []

    async def post(self, body: bytes) -> BulkResponse:
        items = msgspec.json.decode(body)
        self.bodies.append(items)
        return self.responses.pop(0) if self.responses else build_accepted_response(items)


def build_accepted_response(items: list[dict[str, Any]], unavailable: int = -1) -> BulkResponse:
    results = [
        BulkResult(index, "invalid", errors=[build_field_error("$.type", "no", "unknown_type")])
        if item["type"] == "bad"
        else BulkResult(index, "unavailable" if index == unavailable else "accepted", item["id"], "low")
        for index, item in enumerate(items)
    ]
    return BulkResponse(207, msgspec.json.encode(BulkSubmissionResponse(0, 0, 0, results)))


class SubmitterSetup:
    """A submitter with a clock that ticks and a pause that is noted."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self.submitted_count = 0
        ticks, bits = itertools.count(100.0), itertools.count(1)
        self.submitter = Submitter(lambda: next(ticks), lambda: next(bits), self.sleep, "p.", 4, self.add_submitted)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)

    def add_submitted(self, lines: int) -> None:
        self.submitted_count += lines


def build_kafka_line(**fields: Any) -> SampleLine:
    return SampleLine(**{"via": "kafka", "expected": [], "priority": "low", "notification": {"user_id": "u", "type": "t"}, **fields})


def build_http_line(type_: str = "t") -> SampleLine:
    return SampleLine("http", [], None, {"user_id": "u", "type": type_})


async def test_lines_go_both_ways_and_come_back_in_order() -> None:
    hands, log, gateway = SubmitterSetup(), FakeProducer(), FakeGateway()
    lines = [
        build_http_line(),
        build_kafka_line(),
        build_http_line("bad"),
        build_kafka_line(id_source="none"),
        build_kafka_line(notification=None, text="{", key="k"),
    ]
    found = await hands.submitter.submit_lines(number_lines(lines), log, gateway)
    assert [each.line for each in found] == lines
    assert [is_id(each.notification_id) for each in found] == [True, True, False, True, True]
    assert [each.unprocessable_reason for each in found] == ["", "", "unknown_type", "", ""]
    assert found[3].notification_id == derive_id(NOTIFICATION_PREFIX, 500.0, "p.notifications.low", "0", "1")
    assert (len(log.records), len(gateway.bodies[0]), hands.submitted_count) == (3, 2, 5)


async def test_a_replayed_line_has_the_same_bytes_and_id() -> None:
    hands, log, gateway = SubmitterSetup(), FakeProducer(), FakeGateway()
    lines = [build_kafka_line(), SampleLine("kafka", [], replay_of=1), build_http_line(), SampleLine("http", [], replay_of=3)]
    found = await hands.submitter.submit_lines(number_lines(lines), log, gateway)
    assert log.records[0] == log.records[1]
    assert gateway.bodies[0][0] == gateway.bodies[0][1]
    assert found[0].notification_id == found[1].notification_id != found[2].notification_id == found[3].notification_id


async def test_a_submission_is_timed_before_it_is_sent() -> None:
    found = await SubmitterSetup().submitter.produce_records(number_lines([build_kafka_line(), build_kafka_line()]), FakeProducer())
    assert [found[number].submitted_at for number in (1, 2)] == [100.0, 101.0]


async def test_many_items_go_in_several_requests() -> None:
    gateway = FakeGateway()
    found = await SubmitterSetup().submitter.post_items(number_lines([build_http_line()] * (BULK_SIZE + 1)), gateway)
    assert [len(body) for body in gateway.bodies] == [BULK_SIZE, 1]
    assert len({each.notification_id for each in found.values()}) == BULK_SIZE + 1


async def test_what_is_unavailable_is_sent_again_under_its_id() -> None:
    hands = SubmitterSetup()
    items = [{"type": "t", "id": f"ntf_{number}"} for number in range(3)]
    gateway = FakeGateway(BulkResponse(503, b"", 4.0), build_accepted_response(items, unavailable=1))
    await hands.submitter.post_items(number_lines([build_http_line()] * 3), gateway)
    assert [len(body) for body in gateway.bodies] == [3, 3, 1]
    assert gateway.bodies[2] == [gateway.bodies[0][1]]
    assert hands.sleeps == [4.0, 1.0]


async def test_a_gateway_that_never_confirms_ends_the_sample() -> None:
    hands = SubmitterSetup()
    with pytest.raises(SubmissionError, match="1 notifications in 20 tries"):
        await hands.submitter.post_items(number_lines([build_http_line()]), FakeGateway(*[BulkResponse(503, b"")] * MAX_TRIES))


async def test_a_wrong_api_key_ends_the_sample_with_the_gateways_error() -> None:
    with pytest.raises(SubmissionError, match="401: missing key"):
        await SubmitterSetup().submitter.post_items(number_lines([build_http_line()]), FakeGateway(BulkResponse(401, b"missing key")))
