"""Every line is submitted once, over Kafka or HTTP, and items that the gateway did not confirm are sent again with the same id."""

import itertools
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest

from app.api.problems import build_field_error
from app.api.responses import BulkResult, BulkSubmissionResponse
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import ProducerRecord, RecordMetadata, number_lines
from dev.sample.submitter import BULK_SIZE, MAX_TRIES, GatewayResponse, SubmissionError, Submitter
from schemas.ids import NOTIFICATION_PREFIX, derive_id, is_id


class FakeProducer:
    """A producer to one partition."""

    def __init__(self) -> None:
        self.records: list[ProducerRecord] = []

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]:
        self.records.append(record)
        return self._build_metadata(len(self.records) - 1)

    async def _build_metadata(self, offset: int) -> RecordMetadata:
        return RecordMetadata(self.records[offset].topic, 0, offset, 500.0)


class FakeGateway:
    """Returns the given responses, then accepts all items but those of the type `bad`."""

    def __init__(self, *responses: GatewayResponse) -> None:
        self.responses = list(responses)
        self.bodies: list[list[dict[str, Any]]] = []

    async def post(self, body: bytes) -> GatewayResponse:
        items = msgspec.json.decode(body)
        self.bodies.append(items)
        return self.responses.pop(0) if self.responses else build_accepted_response(items)


def build_accepted_response(items: list[dict[str, Any]], unavailable: int = -1) -> GatewayResponse:
    results = [
        BulkResult(index, "invalid", errors=[build_field_error("$.type", "no", "unknown_type")])
        if item["type"] == "bad"
        else BulkResult(index, "unavailable" if index == unavailable else "accepted", item["id"], "low")
        for index, item in enumerate(items)
    ]
    return GatewayResponse(207, msgspec.json.encode(BulkSubmissionResponse(0, 0, 0, results)))


class SubmitterSetup:
    """A submitter with a clock that advances by a second at each reading, and a recorded sleep."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self.submitted_count = 0
        self.due_numbers: list[int] = []
        ticks, bits = itertools.count(100.0), itertools.count(1)
        self.submitter = Submitter(lambda: next(ticks), lambda: next(bits), self.sleep, "p.", 4, self.wait_until_due, self.add_submitted)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)

    async def wait_until_due(self, number: int) -> None:
        self.due_numbers.append(number)

    def add_submitted(self, lines: int) -> None:
        self.submitted_count += lines


def build_kafka_line(**fields: Any) -> SampleLine:
    return SampleLine(**{"via": "kafka", "expected": [], "priority": "low", "notification": {"user_id": "u", "type": "t"}, **fields})


def build_http_line(type_: str = "t") -> SampleLine:
    return SampleLine("http", [], None, {"user_id": "u", "type": type_})


async def test_lines_are_submitted_over_kafka_and_http_and_returned_in_order() -> None:
    setup, producer, gateway = SubmitterSetup(), FakeProducer(), FakeGateway()
    lines = [
        build_http_line(),
        build_kafka_line(),
        build_http_line("bad"),
        build_kafka_line(id_source="none"),
        build_kafka_line(notification=None, text="{", key="k"),
    ]
    submitted = await setup.submitter.submit_lines(number_lines(lines), producer, gateway)
    assert [line.line for line in submitted] == lines
    assert [is_id(line.notification_id) for line in submitted] == [True, True, False, True, True]
    assert [line.unprocessable_reason for line in submitted] == ["", "", "unknown_type", "", ""]
    assert submitted[3].notification_id == derive_id(NOTIFICATION_PREFIX, 500.0, "p.notifications.low", "0", "1")
    assert (len(producer.records), len(gateway.bodies[0]), setup.submitted_count) == (3, 2, 5)


async def test_a_replay_has_the_same_bytes_and_id() -> None:
    setup, producer, gateway = SubmitterSetup(), FakeProducer(), FakeGateway()
    lines = [build_kafka_line(), SampleLine("kafka", [], replay_of=1), build_http_line(), SampleLine("http", [], replay_of=3)]
    submitted = await setup.submitter.submit_lines(number_lines(lines), producer, gateway)
    assert producer.records[0] == producer.records[1]
    assert gateway.bodies[0][0] == gateway.bodies[0][1]
    assert submitted[0].notification_id == submitted[1].notification_id != submitted[2].notification_id == submitted[3].notification_id


async def test_the_submission_time_is_taken_before_sending() -> None:
    submitted = await SubmitterSetup().submitter.produce_records(number_lines([build_kafka_line(), build_kafka_line()]), FakeProducer())
    assert [submitted[number].submitted_at for number in (1, 2)] == [100.0, 101.0]


async def test_many_items_are_sent_in_several_requests() -> None:
    gateway = FakeGateway()
    submitted = await SubmitterSetup().submitter.post_items(number_lines([build_http_line()] * (BULK_SIZE + 1)), gateway)
    assert [len(body) for body in gateway.bodies] == [BULK_SIZE, 1]
    assert len({line.notification_id for line in submitted.values()}) == BULK_SIZE + 1


async def test_each_line_is_submitted_when_it_is_due() -> None:
    setup, gateway = SubmitterSetup(), FakeGateway()
    await setup.submitter.produce_records(number_lines([build_kafka_line()] * 3), FakeProducer())
    assert setup.due_numbers == [1, 2, 3]
    await setup.submitter.post_items(number_lines([build_http_line()] * (BULK_SIZE + 2)), gateway)
    assert setup.due_numbers[3:] == [BULK_SIZE, BULK_SIZE + 2], "a bulk request is due with its last item"


async def test_unavailable_items_are_sent_again_with_the_same_id() -> None:
    setup = SubmitterSetup()
    items = [{"type": "t", "id": f"ntf_{number}"} for number in range(3)]
    gateway = FakeGateway(GatewayResponse(503, b"", 4.0), build_accepted_response(items, unavailable=1))
    await setup.submitter.post_items(number_lines([build_http_line()] * 3), gateway)
    assert [len(body) for body in gateway.bodies] == [3, 3, 1]
    assert gateway.bodies[2] == [gateway.bodies[0][1]]
    assert setup.sleeps == [4.0, 1.0]


async def test_a_gateway_that_never_confirms_is_an_error() -> None:
    setup = SubmitterSetup()
    with pytest.raises(SubmissionError, match="1 notifications in 20 tries"):
        await setup.submitter.post_items(number_lines([build_http_line()]), FakeGateway(*[GatewayResponse(503, b"")] * MAX_TRIES))


async def test_an_invalid_api_key_is_an_error_with_the_gateways_message() -> None:
    with pytest.raises(SubmissionError, match="401: missing key"):
        await SubmitterSetup().submitter.post_items(number_lines([build_http_line()]), FakeGateway(GatewayResponse(401, b"missing key")))
