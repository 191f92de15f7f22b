"""The part of the sample that is wrong, one way after the other; each becomes a dead letter, or over HTTP a 422."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any

from agents.router.gates.decode import ID_TIME_MISMATCH, UNSUPPORTED
from agents.router.gates.rendering import CONTENT_TOO_LARGE
from agents.router.gates.repartition import WRONG_PARTITION
from agents.router.gates.rule import UNKNOWN_TYPE
from agents.router.templates.cache import MISSING_VARIABLE, TEMPLATE_ERROR, UNKNOWN_TEMPLATE
from dev.sample import catalog
from dev.sample.draft import Draft, build_http_draft, build_kafka_draft
from dev.sample.sample_file import RepeatedText
from schemas.enums import Reason

FOREIGN_TIME_ID = "ntf_01704067200070008000000000000001"  # a time in 2020
FAR_FUTURE = 4_102_444_800.0  # the year 2100
OVERSIZED_RECORD = RepeatedText("note", "All of it, at once. ", 15_000)  # 300 kB; a record may have 256 KiB
OVERSIZED_CONTENT = RepeatedText(
    "intro", "So much to say. ", 2_500
)  # 40 kB in the text and 40 kB in the HTML; rendered content may have 64 KiB


def build_drafts() -> Iterator[Draft]:
    """All of them."""
    numbers = count(4000)
    yield from _build_undecodable(numbers)
    yield from _build_invalid(numbers)
    yield from _build_unroutable(numbers)
    yield from _build_unprocessable(numbers)


def _build_valid_notification(number: int, type_: str = "order.confirmed", **fields: Any) -> dict[str, Any]:
    to = {"email": f"guest{number}@example.org"}
    return {
        "user_id": f"guest-{{run}}-{number}",
        "type": type_,
        "channels": ["email"],
        "data": catalog.build_template_data(type_, number),
        "to": to,
        **fields,
    }


def _build_without_field(number: int, field: str) -> dict[str, Any]:
    return {name: value for name, value in _build_valid_notification(number).items() if name != field}


def _expect_dead_letter(reason: str) -> list[str]:
    return [f"dead {reason}"]


def _build_undecodable(numbers: Iterator[int]) -> Iterator[Draft]:
    """Values that are no JSON text."""
    texts = ("not json at all", "", "<notification/>", '{"user_id": ', '{"user_id": "u-ada" "type": "t"}', '{"user_id": "u-ada", ')
    for text in texts:
        yield build_kafka_draft("medium", _expect_dead_letter(Reason.UNDECODABLE), text=text, key=f"broken-{{run}}-{next(numbers)}")
    for raw in (b"\xff\xfe\x00\x01", b'{"user_id": "u-\xc3\x28", "type": "t"}', b"\x1f\x8b\x08\x00", bytes(range(128, 160))):
        value = b64encode(raw).decode()
        yield build_kafka_draft("low", _expect_dead_letter(Reason.UNDECODABLE), base64=value, key=f"broken-{{run}}-{next(numbers)}")
    for _ in range(4):
        yield build_kafka_draft("high", _expect_dead_letter(Reason.NULL_VALUE), null=True, key=f"null-{{run}}-{next(numbers)}")


def _build_invalid(numbers: Iterator[int]) -> Iterator[Draft]:
    """JSON that is no notification."""
    wrong: tuple[dict[str, Any], ...] = (
        {"data": ["a", "list"]},
        {"channels": []},
        {"channels": ["email", "fax"]},
        {"expires_at": "tomorrow"},
        {"mandatory": "yes"},
        {"to": {"email": 7}},
        {"user_id": ""},
        {"type": None},
    )
    for fields in wrong:
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(Reason.INVALID),
            notification=_build_valid_notification(next(numbers), **fields),
            id_source="none",
            key="wrong-{run}",
        )
    for field in ("user_id", "type", "user_id", "type"):
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(Reason.INVALID),
            notification=_build_without_field(next(numbers), field),
            id_source="none",
            key="wrong-{run}",
        )
    for an_id in ("17", "ntf_17", "urn:uuid:0199c82c-c000-7001-8000-000000000001"):
        yield build_kafka_draft(
            "low", _expect_dead_letter(Reason.INVALID), notification=_build_valid_notification(next(numbers), id=an_id), id_source="custom"
        )
    for text in ("[]", '"order.shipped"', "42"):
        yield build_kafka_draft("low", _expect_dead_letter(Reason.INVALID), text=text, key=f"wrong-{{run}}-{next(numbers)}")
    for _ in range(4):
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(ID_TIME_MISMATCH),
            notification=_build_valid_notification(next(numbers), id=FOREIGN_TIME_ID),
            id_source="custom",
        )
    for fields in ({"send_at": FAR_FUTURE}, {"send_at": FAR_FUTURE}, {"digest": "daily"}, {"digest": "daily"}):
        yield build_kafka_draft("low", _expect_dead_letter(UNSUPPORTED), notification=_build_valid_notification(next(numbers), **fields))
    for _ in range(3):
        yield build_kafka_draft(
            "low",
            _expect_dead_letter(Reason.TOO_LARGE),
            notification=_build_valid_notification(next(numbers)),
            id_source="none",
            repeat=OVERSIZED_RECORD,
        )


def _build_unroutable(numbers: Iterator[int]) -> Iterator[Draft]:
    """Valid notifications that ask for what there is not."""
    for number in range(8):
        type_ = "order.shiped" if number % 2 else "warehouse.stock-low"
        fields = {**_build_valid_notification(next(numbers)), "type": type_}
        yield build_kafka_draft("medium", _expect_dead_letter(UNKNOWN_TYPE), notification=fields)
    for _ in range(5):
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(UNKNOWN_TEMPLATE),
            notification=_build_valid_notification(next(numbers), template="order-confirmed-v2"),
        )
    for variable in ("name", "order", "items", "total"):
        for by_http in (False, True):
            notification = _build_valid_notification(next(numbers))
            notification["data"] = {name: value for name, value in notification["data"].items() if name != variable}
            if by_http:
                yield build_http_draft(notification, [f"unprocessable {MISSING_VARIABLE}"])
            else:
                yield build_kafka_draft("medium", _expect_dead_letter(MISSING_VARIABLE), notification=notification)
    for _ in range(2):
        notification = _build_valid_notification(next(numbers))
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(TEMPLATE_ERROR),
            notification={**notification, "data": {**notification["data"], "items": 3}},
        )
    for _ in range(2):
        yield build_kafka_draft(
            "low",
            _expect_dead_letter(CONTENT_TOO_LARGE),
            notification=_build_valid_notification(next(numbers), "newsletter.weekly"),
            repeat=OVERSIZED_CONTENT,
        )
    for _ in range(2):
        headers = {"herold-repartitioned": "1"}
        yield build_kafka_draft(
            "medium",
            _expect_dead_letter(WRONG_PARTITION),
            notification=_build_valid_notification(next(numbers)),
            partition="other",
            headers=headers,
        )


def _build_unprocessable(numbers: Iterator[int]) -> Iterator[Draft]:
    """The same over HTTP: the gateway says what is wrong before anything reaches Kafka."""
    wrong: tuple[tuple[str, int, dict[str, Any]], ...] = (
        (UNKNOWN_TYPE, 6, {"type": "order.shiped"}),
        (UNKNOWN_TEMPLATE, 3, {"template": "order-confirmed-v2"}),
        (Reason.INVALID, 4, {"data": "none"}),
        (Reason.INVALID, 2, {"channels": ["fax"]}),
        (UNSUPPORTED, 3, {"send_at": FAR_FUTURE}),
    )
    for reason, times, fields in wrong:
        for _ in range(times):
            yield build_http_draft(_build_valid_notification(next(numbers), **fields), [f"unprocessable {reason}"])
    for field in ("user_id", "type", "user_id", "type"):
        yield build_http_draft(_build_without_field(next(numbers), field), [f"unprocessable {Reason.INVALID}"])
    for _ in range(2):
        yield build_http_draft(
            _build_valid_notification(next(numbers), id=FOREIGN_TIME_ID), [f"unprocessable {ID_TIME_MISMATCH}"], id_source="custom"
        )
    for _ in range(2):
        yield build_http_draft(_build_valid_notification(next(numbers)), [f"unprocessable {Reason.TOO_LARGE}"], repeat=OVERSIZED_RECORD)
