"""What becomes of a dead letter in a redrive: its record, or why there is none."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.redrives.judge import Judgement, judge
from schemas.dead_letter import REDRIVE_COUNT_HEADER, REDRIVEN_ID_HEADER, DeadLetter
from schemas.dead_letters import DeadLetterContent, StoredDeadLetter
from schemas.delivery import Delivery, NextStep, UnansweredCall
from schemas.enums import Status
from schemas.events import EngagementEvent, ReceiptEvent
from schemas.profile import ActiveSuppression, Profile, build_address_key
from schemas.redrives import RedriveFacts, RedriveOptions, RedriveRecord, Replacement
from schemas.scheduled import DIGEST_HEADER, ORIGINAL_TIME_HEADER, RESUME_COUNT_HEADER, RESUME_GATE_HEADER
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification
from tests.delivery_builders import ADDRESSES, NOW, build_delivery
from tests.event_builders import build_receipt

PREFIX = "shop-"
VALUE = b'{"user_id":"u-1", "type":"order.shipped", "new":{"field":1}}'
NOTIFICATION_ID = build_delivery().notification_id


def build_content(dead_letter: DeadLetter, **fields: Any) -> DeadLetterContent:
    """What is stored of a dead letter; `fields` are those of StoredDeadLetter."""
    names = set(StoredDeadLetter.__struct_fields__) & set(DeadLetter.__struct_fields__)
    known = {name: getattr(dead_letter, name) for name in names}
    stored = StoredDeadLetter(
        id="dlt_1", created_at=NOW, state="open", cause="", channel="", type="", topic="notifications.dlq", partition=0, offset=0,
        is_truncated=dead_letter.truncated, value_bytes=0, redrive_id="", ended_at=None, ended_by="", discard_reason="",
        **{**known, "source_topic": PREFIX + dead_letter.source_topic},
    )  # fmt: skip
    return DeadLetterContent(replace(stored, **fields), dead_letter.key, dead_letter.value, dead_letter.source_headers)


def judge_delivery(
    delivery: Delivery, facts: RedriveFacts | None = None, now: float = NOW, options: RedriveOptions | None = None, **fields: Any
) -> Judgement:
    content = build_content(build_failed_delivery(delivery), **fields)
    return judge(content, facts or RedriveFacts(), options or RedriveOptions(), now, PREFIX)


def judge_notification(
    value: bytes | None = VALUE, now: float = NOW, options: RedriveOptions | None = None, facts: RedriveFacts | None = None, **fields: Any
) -> Judgement:
    dead_letter = build_rejected_notification(value, notification_id=NOTIFICATION_ID, **fields)
    return judge(build_content(dead_letter), facts or RedriveFacts(), options or RedriveOptions(), now, PREFIX)


def test_a_delivery_goes_to_its_topic_with_the_next_redrive_count_and_fresh_attempts() -> None:
    delivery = build_delivery(attempt=2, redrive_count=1)
    tried = replace(
        delivery,
        resends=1,
        undelivered_attempt=1,
        counted_attempts=2,
        unanswered=UnansweredCall(1, NOW),
        account="twilio",
        next_step=NextStep("low", 1),
        sent_again=True,
    )
    record = judge_delivery(tried, outcome="NOT_SENT")
    assert isinstance(record, RedriveRecord)
    assert (record.topic, record.user_key, record.key) == ("shop-deliveries.email.medium", b"u-1", b"u-1")
    assert msgspec.json.decode(record.value, type=Delivery) == replace(delivery, attempt=0, redrive_count=2, possible_duplicate=True)
    assert judge_delivery(tried, outcome="NOT_SENT") == record, "whoever builds it again builds the same"


def test_what_may_have_been_sent_is_flagged() -> None:
    record = judge_delivery(build_delivery())
    assert isinstance(record, RedriveRecord)
    assert msgspec.json.decode(record.value, type=Delivery).possible_duplicate
    assert judge_delivery(build_delivery(at_most_once=True)) == "maybe_sent"


def test_what_was_searched_for_in_vain_may_have_been_sent() -> None:
    searched = build_delivery(attempt=1, unanswered=UnansweredCall(0, NOW))
    record = judge_delivery(searched, outcome="")
    assert isinstance(record, RedriveRecord)
    assert msgspec.json.decode(record.value, type=Delivery).possible_duplicate
    assert judge_delivery(replace(searched, at_most_once=True), outcome="") == "maybe_sent"
    assert isinstance(judge_delivery(build_delivery(at_most_once=True), outcome="THROTTLED"), RedriveRecord)


def test_nothing_is_sent_after_it_expired_unless_somebody_gives_it_a_new_time() -> None:
    delivery = build_delivery()
    assert judge_delivery(delivery, now=delivery.expires_at) == "expired"
    assert isinstance(judge_delivery(delivery, now=delivery.expires_at - 1), RedriveRecord)
    record = judge_delivery(delivery, now=delivery.expires_at + 9, options=RedriveOptions(extend_expiry=60))
    assert isinstance(record, RedriveRecord)
    assert msgspec.json.decode(record.value, type=Delivery).expires_at == delivery.expires_at + 69


@pytest.mark.parametrize(
    ("facts", "result", "is_forced"),
    [
        (RedriveFacts(Status.FAILED, 0), None, True),
        (RedriveFacts(Status.SENT, 0), "delivered", True),
        (RedriveFacts(Status.DELIVERED, 0), "delivered", True),
        (RedriveFacts(Status.BOUNCED, 0), "suppressed", False),
        (RedriveFacts(Status.UNSUBSCRIBED, 0), "opted_out", False),
        (RedriveFacts(Status.FAILED, 1), "already_redriven", False),
        (RedriveFacts(Status.FAILED, 0, is_delivered_elsewhere=True), "delivered_elsewhere", True),
    ],
)
def test_what_has_become_of_it_since_counts(facts: RedriveFacts, result: str | None, is_forced: bool) -> None:
    judged = judge_delivery(build_delivery(), facts)
    assert (None if isinstance(judged, RedriveRecord) else judged) == result
    forced = judge_delivery(build_delivery(), facts, options=RedriveOptions(include_delivered=True))
    assert isinstance(forced, RedriveRecord) is is_forced


@pytest.mark.parametrize("consent", ["", "opt_out", "opt_in"])
@pytest.mark.parametrize("reason", ["hard_bounce", "complaint"])
@pytest.mark.parametrize("of_whom", ["user", "address"])
def test_a_suppression_since_stops_it_whatever_is_asked_for(consent: str, reason: str, of_whom: str) -> None:
    delivery = build_delivery(consent=consent, category="marketing")
    key = delivery.user_id if of_whom == "user" else build_address_key("email", ADDRESSES["email"])
    profile = Profile(key, choices={"marketing/email": "in"}, suppressions=[ActiveSuppression("email", "", "", reason)])
    options = RedriveOptions(include_delivered=True, extend_expiry=60)
    judged = judge_delivery(
        delivery, RedriveFacts(profiles={delivery.user_id: Profile("u-1", choices=profile.choices), key: profile}), options=options
    )
    is_sent = not consent and reason != "hard_bounce"  # mandatory, or of a category that asks nobody
    assert judged == "suppressed" if not is_sent else isinstance(judged, RedriveRecord)


@pytest.mark.parametrize(
    ("consent", "choice", "result"),
    [("opt_out", "out", "opted_out"), ("opt_in", "", "not_opted_in"), ("opt_in", "in", None), ("opt_out", "", None), ("", "out", None)],
)
def test_an_opt_out_since_stops_it(consent: str, choice: str, result: str | None) -> None:
    delivery = build_delivery(consent=consent, category="marketing")
    profile = Profile("u-1", choices={"marketing/": choice} if choice else {})
    judged = judge_delivery(delivery, RedriveFacts(profiles={"u-1": profile}))
    assert (None if isinstance(judged, RedriveRecord) else judged) == result


def test_a_notification_goes_back_byte_for_byte_with_its_headers_its_id_and_its_time() -> None:
    headers = [("traceparent", b"00-1"), (RESUME_COUNT_HEADER, b"2"), (RESUME_GATE_HEADER, b"quiet_hours"), (ORIGINAL_TIME_HEADER, b"1")]
    record = judge_notification(source_headers=headers, redrive_count=1)
    assert isinstance(record, RedriveRecord)
    assert (record.topic, record.user_key, record.key, record.value) == ("shop-notifications.high", b"u-1", b"u-1", VALUE)
    assert record.headers == [
        *headers[:3],
        (REDRIVE_COUNT_HEADER, b"2"),
        (REDRIVEN_ID_HEADER, NOTIFICATION_ID.encode()),
        (ORIGINAL_TIME_HEADER, b"%d" % (NOW * 1000)),
    ]


def test_a_notification_expires_a_day_after_it_was_due_or_earlier() -> None:
    assert judge_notification(now=NOW + 86_400) == "expired"
    assert isinstance(judge_notification(now=NOW + 86_399), RedriveRecord)
    value = b'{"user_id":"u-1","type":"t","expires_at":%d}' % (NOW + 60)
    assert judge_notification(value, now=NOW + 60) == "expired"
    later = b'{"user_id":"u-1","type":"t","send_at":%d}' % (NOW + 60)
    assert isinstance(judge_notification(later, now=NOW + 86_459), RedriveRecord)
    record = judge_notification(value, now=NOW + 100, options=RedriveOptions(extend_expiry=60))
    assert isinstance(record, RedriveRecord)
    assert msgspec.json.decode(record.value) == {"user_id": "u-1", "type": "t", "expires_at": NOW + 160}
    assert ORIGINAL_TIME_HEADER not in dict(record.headers), "the router counts its time from now"


def test_one_of_an_earlier_release_has_the_time_in_its_id() -> None:
    assert judge_notification(now=NOW + 86_401, source_time=0.0) == "expired"


def test_another_value_replaces_the_one_that_was_wrong() -> None:
    headers = [(RESUME_COUNT_HEADER, b"2"), (RESUME_GATE_HEADER, b"quiet_hours")]
    options = RedriveOptions(replacement=Replacement(b'{"user_id":"u-2","type":"t"}', "low"))
    record = judge_notification(b"\xff", options=options, source_headers=headers, now=NOW + 999_999)
    assert isinstance(record, RedriveRecord)
    assert (record.topic, record.user_key, record.value) == ("shop-notifications.low", b"u-2", b'{"user_id":"u-2","type":"t"}')
    assert dict(record.headers) == {RESUME_COUNT_HEADER: b"2", REDRIVE_COUNT_HEADER: b"1", REDRIVEN_ID_HEADER: NOTIFICATION_ID.encode()}


@pytest.mark.parametrize(
    ("value", "is_test"),
    [(b'{"user_id":7,"is_test":true}', True), (b'{"user_id":7}', False), (b'{"is_test":"yes"}', False), (b"\xff", False), (None, False)],
)
def test_a_replacement_of_a_test_is_a_test(value: bytes | None, is_test: bool) -> None:
    options = RedriveOptions(replacement=Replacement(b'{"user_id":"u-2","type":"t"}', None))
    record = judge_notification(value, options=options)
    assert isinstance(record, RedriveRecord)
    assert msgspec.json.decode(record.value) == {"user_id": "u-2", "type": "t", **({"is_test": True} if is_test else {})}


@pytest.mark.parametrize(
    ("judged", "result"),
    [
        (judge_notification(b"\xff\xfe"), "unreadable"),
        (judge_notification(b'{"user_id":7}'), "unreadable"),
        (judge_notification(None), "unreadable"),
        (judge_notification(source_headers=[(DIGEST_HEADER, b"due")]), "digest"),
        (judge_notification(facts=RedriveFacts(redrive_count=1)), "already_redriven"),
        (judge_delivery(build_delivery(), state="redriven"), "already_redriven"),
        (judge_delivery(build_delivery(), state="discarded"), "discarded"),
        (judge_delivery(build_delivery(), source_topic="deliveries.email.medium"), "unknown_source"),
        (judge_delivery(build_delivery(), source_topic="shop-notifications.dlq"), "unknown_source"),
        (judge(None, RedriveFacts(), RedriveOptions(), NOW, PREFIX), "missing"),
    ],
)
def test_what_cannot_be_sent_says_why(judged: Judgement, result: str) -> None:
    assert judged == result


def test_an_event_goes_back_to_its_topic_as_it_is() -> None:
    dead_letter = DeadLetter("recorder", "unstorable", "", "notifications.status", 3, 9, b"u-1", b'{"kind":"status"}')
    record = judge(build_content(dead_letter), RedriveFacts(), RedriveOptions(), NOW + 1e9, PREFIX)
    assert isinstance(record, RedriveRecord)
    assert (record.topic, record.user_key, record.value) == ("shop-notifications.status", b"u-1", b'{"kind":"status"}')
    garbage = build_content(replace(dead_letter, value=b"\xff"))
    assert judge(garbage, RedriveFacts(), RedriveOptions(), NOW, PREFIX) == "unreadable"


@given(st.binary(max_size=200), st.sampled_from(["router", "delivery", "scheduler", "recorder"]), st.sampled_from(["high", "status"]))
def test_any_bytes_are_judged(value: bytes, stage: str, name: str) -> None:
    content = build_content(DeadLetter(stage, "invalid", "", f"notifications.{name}", 0, 0, value, value))  # type: ignore[arg-type]
    assert isinstance(judge(content, RedriveFacts(), RedriveOptions(), NOW, PREFIX), str | RedriveRecord)


def judge_report(event: ReceiptEvent | EngagementEvent, reason: str) -> bytes:
    dead_letter = DeadLetter("recorder", reason, "", "notifications.status", 3, 9, b"dlv_1", msgspec.json.encode(event))
    record = judge(build_content(dead_letter), RedriveFacts(), RedriveOptions(), NOW, PREFIX)
    assert isinstance(record, RedriveRecord)
    return record.value


def test_a_report_without_a_delivery_does_not_change_consent_again() -> None:
    report = build_receipt(1, status=Status.BOUNCED, consent="hard_bounce", address="ada@example.org")
    redriven = msgspec.json.decode(judge_report(report, "unmatched"), type=ReceiptEvent)
    assert redriven == replace(report, consent="", address="")
    assert msgspec.json.decode(judge_report(report, "unstorable"), type=ReceiptEvent) == report, "it never counted"
    opened = EngagementEvent(report.delivery_id, "email", "sendgrid", "open-1", "open", NOW)
    assert judge_report(opened, "unmatched") == msgspec.json.encode(opened)
