"""Tests of what is sent again after a carrier could not deliver it: once for each report, bounded, and never after its expiry."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from agents.recorder.resends import Resender, list_resendable, plan_resend
from schemas.content import SmsContent
from schemas.delivery import Delivery
from schemas.enums import Reason, Status
from schemas.errors import RecordTooLargeError, UnavailableError
from schemas.events import ReceiptEvent, StatusEvent, compute_precedence
from schemas.ports import Header
from schemas.record_source import RecordSource, decode_source, encode_source
from schemas.scheduled import Scheduled
from schemas.sealed_records import close_delivery, seal_delivery
from tables.attempts import AttemptRow, NextAction, encode_row, is_already_done
from tests.delivery_builders import NOW, build_delivery
from tests.sealers import build_sealer

TOPIC, DELAYS = "t.deliveries.sms.low", (600.0, 3600.0)


def build_report(delivery: Delivery, **changes: Any) -> ReceiptEvent:
    fields = {"status": Status.FAILED, "occurred_at": NOW + 30, "max_resends": 2, "source": "low.3.17", **changes}
    return ReceiptEvent(delivery.id, "sms", "twilio", "SM1|undelivered|30003", "undelivered", **fields)


def build_sms(**changes: Any) -> Delivery:
    return build_delivery("sms", **{"expires_at": NOW + 86_400, **changes})


def plan(delivery: Delivery, report: ReceiptEvent | None = None, delays: Sequence[float] = DELAYS) -> Any:
    return plan_resend(report or build_report(delivery), msgspec.json.encode(delivery), TOPIC, delays, NOW + 31)


def read_payload(scheduled: Scheduled) -> Delivery:
    return msgspec.json.decode(bytes(scheduled.payload), type=Delivery)


def test_it_waits_in_the_scheduler_for_an_attempt_of_its_own() -> None:
    delivery = build_sms(category="transactional")
    scheduled, event = plan(delivery)
    assert (scheduled.id, scheduled.user_id, scheduled.due_at) == (delivery.id, delivery.user_id, NOW + 630)
    assert (scheduled.target_topic, scheduled.resume_count, scheduled.expires_at) == (TOPIC, 0b1_0000, delivery.expires_at)
    again = read_payload(scheduled)
    assert (again.attempt, again.counted_attempts, again.resends, again.undelivered_attempt) == (1, 0, 1, 0)
    assert (again.content, again.address, again.account) == (delivery.content, delivery.address, "twilio")
    assert (event.status, event.reason, event.attempt, event.next_attempt_at) == (Status.PENDING, Reason.UNDELIVERED, 1, NOW + 630)


def test_the_wait_counts_more_than_the_report_and_less_than_the_next_answer() -> None:
    delivery = build_sms()
    ids = delivery.id, delivery.notification_id, delivery.user_id, "sms"
    failed = StatusEvent(*ids, Status.FAILED, NOW, NOW, attempt=0)
    sent = StatusEvent(*ids, Status.SENT, NOW, NOW, attempt=1)
    _, event = plan(delivery)
    assert compute_precedence(failed) < compute_precedence(event) < compute_precedence(sent)


def test_the_second_wait_is_longer_and_there_is_no_third() -> None:
    first = read_payload(plan(build_sms()).scheduled)
    second = plan(first, build_report(first, attempt=1, occurred_at=NOW + 700))
    assert second.scheduled.due_at == NOW + 4300
    last = read_payload(second.scheduled)
    assert (last.attempt, last.resends, last.undelivered_attempt) == (2, 2, 1)
    assert plan(last, build_report(last, attempt=2)) is None


def test_a_report_of_a_retry_finds_the_record_before_it() -> None:
    assert read_payload(plan(build_sms(), build_report(build_sms(), attempt=3)).scheduled).attempt == 4


@pytest.mark.parametrize(
    ("changes", "report"),
    [
        ({"expires_at": NOW + 630}, {}),
        ({"at_most_once": True}, {}),
        ({"attempt": 2}, {"attempt": 1}),
        ({"redrive_count": 1}, {}),
        ({"resends": 1}, {"max_resends": 1}),
    ],
)
def test_what_is_not_sent_again(changes: dict[str, Any], report: dict[str, Any]) -> None:
    assert plan(build_sms(**changes), build_report(build_sms(**changes), **report)) is None


def test_another_record_or_none_is_not_sent() -> None:
    report = build_report(build_sms(number=2))
    for value in (msgspec.json.encode(build_sms()), b"{", None):
        assert plan_resend(report, value, TOPIC, DELAYS, NOW) is None


def test_the_worker_takes_it_once_although_the_delivery_had_ended() -> None:
    again = read_payload(plan(build_sms()).scheduled)
    ended = AttemptRow(0, 0, None, Status.SENT, NextAction.DONE, 201, NOW)
    assert is_already_done(encode_row(ended), build_sms())
    assert not is_already_done(encode_row(ended), again)
    ended_again = msgspec.structs.replace(ended, attempt=1)
    assert is_already_done(encode_row(ended_again), again)
    retry = msgspec.structs.replace(again, attempt=2)
    assert is_already_done(encode_row(ended_again), retry), "an attempt that was made again after a crash has ended it"


def test_only_reports_of_passing_causes_count_and_each_once() -> None:
    delivery = build_sms()
    report, final = build_report(delivery), build_report(delivery, max_resends=0)
    assert list_resendable([None, report, final, build_report(delivery)]) == [report]


@pytest.mark.parametrize("text", ["low.3.17", "high.0.0", "medium.11.123456789012345678"])
def test_a_source_is_read_as_it_was_written(text: str) -> None:
    source = decode_source(text)
    assert source is not None
    assert encode_source(source) == text


@pytest.mark.parametrize(
    "text", ["", "low", "low.3", "low.3.-1", "urgent.3.17", "low.3.17.1", "low.3.17\n", "low.٣.17", "low.3." + "9" * 19]
)
def test_no_source_is_read_from_other_texts(text: str) -> None:
    assert decode_source(text) is None


class FakeKafka:
    """A topic with records, as reader and outbox."""

    def __init__(self, records: dict[tuple[str, int, int], bytes]) -> None:
        self.records, self.produced, self.unflushed = records, [], []
        self.problem, self.resent, self.max_bytes, self.too_large = "", [], 1_000_000, []

    async def read(self, topic: str, partition: int, offset: int) -> bytes | None:
        if self.problem:
            raise UnavailableError(self.problem)
        return self.records.get((topic, partition, offset))

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        if len(value or b"") > self.max_bytes:
            raise RecordTooLargeError(topic, len(value or b""), self.max_bytes)
        self.unflushed.append((topic, partition, key))

    async def flush(self) -> None:
        self.produced += self.unflushed
        self.unflushed = []


def build_resender(kafka: FakeKafka, delays: Sequence[float] = DELAYS) -> Resender:
    return Resender(kafka, lambda: kafka, lambda: NOW, delays, 4, "t.", kafka.resent.append, lambda *one: kafka.too_large.append(one))


async def test_entry_and_event_go_to_the_partition_of_the_record() -> None:
    delivery = build_sms()
    kafka = FakeKafka({(TOPIC, 3, 17): msgspec.json.encode(delivery)})
    await build_resender(kafka).run([build_report(delivery)])
    assert kafka.produced == [("t.scheduled.low", 3, b"u-1"), ("t.notifications.status", 3, b"u-1")]
    assert [event.delivery_id for event in kafka.resent] == [delivery.id]


async def test_one_that_is_too_large_for_its_entry_holds_up_no_other() -> None:
    large, small = build_sms(number=1, content=SmsContent("x" * 1500)), build_sms(number=2)
    kafka = FakeKafka({(TOPIC, 3, 17): msgspec.json.encode(large), (TOPIC, 3, 18): msgspec.json.encode(small)})
    kafka.max_bytes = 1500
    await build_resender(kafka).run([build_report(large), build_report(small, source="low.3.18")])
    assert [event.delivery_id for event in kafka.resent] == [small.id]
    ((event, error),) = kafka.too_large
    assert (event.delivery_id, "1500 bytes" in error) == (large.id, True)
    assert [topic for topic, _, _ in kafka.produced] == ["t.scheduled.low", "t.notifications.status"], "and no event of it"


def test_a_sealed_one_stays_sealed() -> None:
    delivery = build_sms()
    sealed = seal_delivery(delivery.address, Raw(msgspec.json.encode(delivery.content)), delivery.id, build_sealer(delivery.user_id))
    closed = close_delivery(msgspec.structs.replace(delivery, sealed=sealed))
    payload = bytes(plan(closed).scheduled.payload)
    assert msgspec.json.decode(payload, type=Delivery).sealed == sealed
    assert delivery.address.encode() not in payload


@pytest.mark.parametrize("source", ["low.4.17", "low.3.18", "", "nonsense"])
async def test_a_source_that_is_not_there_is_nothing_to_send(source: str) -> None:
    delivery = build_sms()
    kafka = FakeKafka({(TOPIC, 3, 17): msgspec.json.encode(delivery)})
    await build_resender(kafka).run([build_report(delivery, source=source)])
    await build_resender(kafka, ()).run([build_report(delivery)])
    assert not kafka.produced
    assert RecordSource("low", 3, 17) == decode_source("low.3.17")


async def test_without_kafka_it_is_to_be_repeated() -> None:
    delivery, kafka = build_sms(), FakeKafka({})
    kafka.problem = "no broker"
    with pytest.raises(UnavailableError):
        await build_resender(kafka).run([build_report(delivery)])
