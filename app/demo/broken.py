"""The part of the sample that is wrong, one way after the other; each becomes a dead letter, or over HTTP a 422."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any

from app.demo import goods
from app.demo.draft import Draft, kafka, posted
from app.demo.sample import Repeat
from schemas.words import Reason

FOREIGN = "ntf_01704067200070008000000000000001"  # a time in 2020
FAR_AWAY = 4_102_444_800.0  # the year 2100
OVERSIZE = Repeat("note", "All of it, at once. ", 15_000)  # 300 kB; a record may have 256 KiB
WORDY = Repeat("intro", "So much to say. ", 2_500)  # 40 kB in the text and 40 kB in the HTML; rendered content may have 64 KiB


def drafts() -> Iterator[Draft]:
    """All of them."""
    numbers = count(4000)
    yield from _not_json(numbers)
    yield from _not_valid(numbers)
    yield from _not_possible(numbers)
    yield from _posted(numbers)


def _good(number: int, type_: str = "order.confirmed", **fields: Any) -> dict[str, Any]:
    to = {"email": f"guest{number}@example.org"}
    return {
        "user_id": f"guest-{{run}}-{number}",
        "type": type_,
        "channels": ["email"],
        "data": goods.data(type_, number),
        "to": to,
        **fields,
    }


def _without(number: int, field: str) -> dict[str, Any]:
    return {name: value for name, value in _good(number).items() if name != field}


def _dead(reason: Reason) -> list[str]:
    return [f"dead {reason}"]


def _not_json(numbers: Iterator[int]) -> Iterator[Draft]:
    """Values that are no JSON text."""
    texts = ("not json at all", "", "<notification/>", '{"user_id": ', '{"user_id": "u-ada" "type": "t"}', '{"user_id": "u-ada", ')
    for text in texts:
        yield kafka("medium", _dead(Reason.UNDECODABLE), text=text, key=f"broken-{{run}}-{next(numbers)}")
    for raw in (b"\xff\xfe\x00\x01", b'{"user_id": "u-\xc3\x28", "type": "t"}', b"\x1f\x8b\x08\x00", bytes(range(128, 160))):
        value = b64encode(raw).decode()
        yield kafka("low", _dead(Reason.UNDECODABLE), base64=value, key=f"broken-{{run}}-{next(numbers)}")
    for _ in range(4):
        yield kafka("high", _dead(Reason.NULL_VALUE), null=True, key=f"null-{{run}}-{next(numbers)}")


def _not_valid(numbers: Iterator[int]) -> Iterator[Draft]:
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
        yield kafka("medium", _dead(Reason.INVALID), notification=_good(next(numbers), **fields), id="none", key="wrong-{run}")
    for field in ("user_id", "type", "user_id", "type"):
        yield kafka("medium", _dead(Reason.INVALID), notification=_without(next(numbers), field), id="none", key="wrong-{run}")
    for an_id in ("17", "ntf_17", "urn:uuid:0199c82c-c000-7001-8000-000000000001"):
        yield kafka("low", _dead(Reason.INVALID), notification=_good(next(numbers), id=an_id), id="given")
    for text in ("[]", '"order.shipped"', "42"):
        yield kafka("low", _dead(Reason.INVALID), text=text, key=f"wrong-{{run}}-{next(numbers)}")
    for _ in range(4):
        yield kafka("medium", _dead(Reason.FOREIGN_TIME), notification=_good(next(numbers), id=FOREIGN), id="given")
    for fields in ({"send_at": FAR_AWAY}, {"send_at": FAR_AWAY}, {"digest": "daily"}, {"digest": "daily"}):
        yield kafka("low", _dead(Reason.UNSUPPORTED), notification=_good(next(numbers), **fields))
    for _ in range(3):
        yield kafka("low", _dead(Reason.TOO_LARGE), notification=_good(next(numbers)), id="none", repeat=OVERSIZE)


def _not_possible(numbers: Iterator[int]) -> Iterator[Draft]:
    """Valid notifications that ask for what there is not."""
    for number in range(8):
        type_ = "order.shiped" if number % 2 else "warehouse.stock-low"
        fields = {**_good(next(numbers)), "type": type_}
        yield kafka("medium", _dead(Reason.UNKNOWN_TYPE), notification=fields)
    for _ in range(5):
        yield kafka("medium", _dead(Reason.UNKNOWN_TEMPLATE), notification=_good(next(numbers), template="order-confirmed-v2"))
    for variable in ("name", "order", "items", "total"):
        for by_http in (False, True):
            notification = _good(next(numbers))
            notification["data"] = {name: value for name, value in notification["data"].items() if name != variable}
            if by_http:
                yield posted(notification, [f"rejected {Reason.MISSING_VARIABLE}"])
            else:
                yield kafka("medium", _dead(Reason.MISSING_VARIABLE), notification=notification)
    for _ in range(2):
        notification = _good(next(numbers))
        yield kafka("medium", _dead(Reason.TEMPLATE_ERROR), notification={**notification, "data": {**notification["data"], "items": 3}})
    for _ in range(2):
        yield kafka("low", _dead(Reason.CONTENT_TOO_LARGE), notification=_good(next(numbers), "newsletter.weekly"), repeat=WORDY)
    for _ in range(2):
        headers = {"herold-hop": "1"}
        yield kafka("medium", _dead(Reason.WRONG_PARTITION), notification=_good(next(numbers)), partition="other", headers=headers)


def _posted(numbers: Iterator[int]) -> Iterator[Draft]:
    """The same over HTTP: the gateway says what is wrong before anything reaches Kafka."""
    wrong: tuple[tuple[Reason, int, dict[str, Any]], ...] = (
        (Reason.UNKNOWN_TYPE, 6, {"type": "order.shiped"}),
        (Reason.UNKNOWN_TEMPLATE, 3, {"template": "order-confirmed-v2"}),
        (Reason.INVALID, 4, {"data": "none"}),
        (Reason.INVALID, 2, {"channels": ["fax"]}),
        (Reason.UNSUPPORTED, 3, {"send_at": FAR_AWAY}),
    )
    for reason, times, fields in wrong:
        for _ in range(times):
            yield posted(_good(next(numbers), **fields), [f"rejected {reason}"])
    for field in ("user_id", "type", "user_id", "type"):
        yield posted(_without(next(numbers), field), [f"rejected {Reason.INVALID}"])
    for _ in range(2):
        yield posted(_good(next(numbers), id=FOREIGN), [f"rejected {Reason.FOREIGN_TIME}"], id="given")
    for _ in range(2):
        yield posted(_good(next(numbers)), [f"rejected {Reason.TOO_LARGE}"], repeat=OVERSIZE)
