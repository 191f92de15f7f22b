"""The invalid submissions of the sample; each becomes a dead letter, or over HTTP a 422."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any

from agents.router.gates.decode import ID_TIME_MISMATCH, REPARTITION_HEADER
from agents.router.gates.repartition import WRONG_PARTITION
from agents.router.gates.rule import UNKNOWN_TYPE
from agents.router.templates.cache import MISSING_VARIABLE, TEMPLATE_ERROR, UNKNOWN_TEMPLATE
from agents.router.templates.channel_content import CONTENT_TOO_LARGE, INVALID_VARIABLES
from dev.sample import catalog
from dev.sample.draft import Draft, build_http_draft, build_kafka_draft
from dev.sample.sample_file import RepeatedText
from schemas.content_limits import BLANK_CONTENT, PROVIDER_LIMIT
from schemas.enums import Priority, Reason

ID_OF_2020 = "ntf_01704067200070008000000000000001"  # its time differs from the time of submission
FAR_FUTURE = 4_102_444_800.0  # the year 2100
OVERSIZED_RECORD = RepeatedText("note", "All of it, at once. ", 15_000)  # 300 kB; the limit of a record is 256 KiB
# 40 kB in the text and 40 kB in the HTML; the limit of rendered content is 64 KiB
OVERSIZED_CONTENT = RepeatedText("intro", "So much to say. ", 2_500)
OVERSIZED_SMS = RepeatedText("code", "4711 ", 400)  # Twilio takes 1,600 characters


def build_drafts() -> Iterator[Draft]:
    """Build all invalid submissions."""
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


def _build_dead(priority: Priority, reason: str, **fields: Any) -> Draft:
    """Build a record that becomes a dead letter; `fields` are those of SampleLine."""
    return build_kafka_draft(priority, [f"dead {reason}"], **fields)


def _build_undecodable(numbers: Iterator[int]) -> Iterator[Draft]:
    """Build values that are not JSON."""
    texts = ("not json at all", "", "<notification/>", '{"user_id": ', '{"user_id": "u-ada" "type": "t"}', '{"user_id": "u-ada", ')
    for text in texts:
        yield _build_dead("medium", Reason.UNDECODABLE, text=text, key=f"broken-{{run}}-{next(numbers)}")
    for raw in (b"\xff\xfe\x00\x01", b'{"user_id": "u-\xc3\x28", "type": "t"}', b"\x1f\x8b\x08\x00", bytes(range(128, 160))):
        yield _build_dead("low", Reason.UNDECODABLE, base64=b64encode(raw).decode(), key=f"broken-{{run}}-{next(numbers)}")
    for _ in range(4):
        yield _build_dead("high", Reason.NULL_VALUE, null=True, key=f"null-{{run}}-{next(numbers)}")


def _build_invalid(numbers: Iterator[int]) -> Iterator[Draft]:
    """Build JSON values that are not valid notifications."""
    invalid_fields: tuple[dict[str, Any], ...] = (
        {"data": ["a", "list"]},
        {"channels": []},
        {"channels": ["email", "fax"]},
        {"expires_at": "tomorrow"},
        {"mandatory": "yes"},
        {"to": {"email": 7}},
        {"user_id": ""},
        {"type": None},
    )
    for fields in invalid_fields:
        notification = _build_valid_notification(next(numbers), **fields)
        yield _build_dead("medium", Reason.INVALID, notification=notification, id_source="none", key="wrong-{run}")
    for field in ("user_id", "type", "user_id", "type"):
        notification = _build_without_field(next(numbers), field)
        yield _build_dead("medium", Reason.INVALID, notification=notification, id_source="none", key="wrong-{run}")
    for invalid_id in ("17", "ntf_17", "urn:uuid:0199c82c-c000-7001-8000-000000000001"):
        notification = _build_valid_notification(next(numbers), id=invalid_id)
        yield _build_dead("low", Reason.INVALID, notification=notification, id_source="custom")
    for text in ("[]", '"order.shipped"', "42"):
        yield _build_dead("low", Reason.INVALID, text=text, key=f"wrong-{{run}}-{next(numbers)}")
    for _ in range(4):
        notification = _build_valid_notification(next(numbers), id=ID_OF_2020)
        yield _build_dead("medium", ID_TIME_MISMATCH, notification=notification, id_source="custom")
    for fields in 2 * ({"send_at": FAR_FUTURE}, {"digest": ""}):
        yield _build_dead("low", Reason.INVALID, notification=_build_valid_notification(next(numbers), **fields))
    for _ in range(3):
        notification = _build_valid_notification(next(numbers))
        yield _build_dead("low", Reason.TOO_LARGE, notification=notification, id_source="none", repeat=OVERSIZED_RECORD)


def _build_unroutable(numbers: Iterator[int]) -> Iterator[Draft]:
    """Build valid notifications that the router cannot route: unknown type or template, data that does not fit the template."""
    blank, long = _build_unsendable(numbers)
    yield _build_dead("low", BLANK_CONTENT, notification=blank)
    yield _build_dead("high", PROVIDER_LIMIT, notification=long, repeat=OVERSIZED_SMS)
    for number in range(6):
        type_ = "order.shiped" if number % 2 else "warehouse.stock-low"
        yield _build_dead("medium", UNKNOWN_TYPE, notification={**_build_valid_notification(next(numbers)), "type": type_})
    for _ in range(5):
        notification = _build_valid_notification(next(numbers), template="order-confirmed-v2")
        yield _build_dead("medium", UNKNOWN_TEMPLATE, notification=notification)
    for variable in ("name", "order", "items", "total"):
        for by_http in (False, True):
            notification = _build_valid_notification(next(numbers))
            notification["data"] = {name: value for name, value in notification["data"].items() if name != variable}
            if by_http:
                yield build_http_draft(notification, [f"unprocessable {MISSING_VARIABLE}"])
            else:
                yield _build_dead("medium", MISSING_VARIABLE, notification=notification)
    for by_http in (False, True, False, True):
        notification = _build_valid_notification(next(numbers), "feedback.request")
        notification["data"]["order"] = "the last one"  # declared as an integer
        if by_http:
            yield build_http_draft(notification, [f"unprocessable {INVALID_VARIABLES}"])
        else:
            yield _build_dead("low", INVALID_VARIABLES, notification=notification)
    for _ in range(2):
        notification = _build_valid_notification(next(numbers))
        yield _build_dead("medium", TEMPLATE_ERROR, notification={**notification, "data": {**notification["data"], "items": 3}})
    for _ in range(2):
        notification = _build_valid_notification(next(numbers), "newsletter.weekly")
        yield _build_dead("low", CONTENT_TOO_LARGE, notification=notification, repeat=OVERSIZED_CONTENT)
    for _ in range(2):
        notification, headers = _build_valid_notification(next(numbers)), {REPARTITION_HEADER: "1"}
        yield _build_dead("medium", WRONG_PARTITION, notification=notification, partition="other", headers=headers)


def _build_unsendable(numbers: Iterator[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Build notifications whose content the provider would not take: a blank subject, and with OVERSIZED_SMS a text that is too long."""
    blank = _build_valid_notification(next(numbers), "newsletter.weekly")
    blank["data"]["headline"] = "  "
    return blank, _build_valid_notification(next(numbers), "account.otp", channels=["sms"], to={"sms": "+12025550199"})


def _build_unprocessable(numbers: Iterator[int]) -> Iterator[Draft]:
    """Build invalid items of bulk requests: the gateway responds with 422 and produces no record."""
    invalid_items: tuple[tuple[str, int, dict[str, Any]], ...] = (
        (UNKNOWN_TYPE, 4, {"type": "order.shiped"}),
        (UNKNOWN_TEMPLATE, 3, {"template": "order-confirmed-v2"}),
        (Reason.INVALID, 4, {"data": "none"}),
        (Reason.INVALID, 2, {"channels": ["fax"]}),
        (Reason.INVALID, 3, {"send_at": FAR_FUTURE}),
    )
    blank, long = _build_unsendable(numbers)
    yield build_http_draft(blank, [f"unprocessable {BLANK_CONTENT}"])
    yield build_http_draft(long, [f"unprocessable {PROVIDER_LIMIT}"], repeat=OVERSIZED_SMS)
    for reason, item_count, fields in invalid_items:
        for _ in range(item_count):
            yield build_http_draft(_build_valid_notification(next(numbers), **fields), [f"unprocessable {reason}"])
    for field in ("user_id", "type", "user_id", "type"):
        yield build_http_draft(_build_without_field(next(numbers), field), [f"unprocessable {Reason.INVALID}"])
    for _ in range(2):
        yield build_http_draft(
            _build_valid_notification(next(numbers), id=ID_OF_2020), [f"unprocessable {ID_TIME_MISMATCH}"], id_source="custom"
        )
    for _ in range(2):
        yield build_http_draft(_build_valid_notification(next(numbers)), [f"unprocessable {Reason.TOO_LARGE}"], repeat=OVERSIZED_RECORD)
