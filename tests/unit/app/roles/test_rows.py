"""Rows of the tables as people read them."""

from collections.abc import Sequence

import pytest

from app.roles.rows import look_up
from schemas.ids import DELIVERY, NOTIFICATION, new_id
from schemas.rules import RateLimit
from schemas.words import Outcome, StatusName
from tables import attempts, idempotency, rate_windows

AT = 1_760_000_000.0
ID = new_id(NOTIFICATION, AT, 7)
DELIVERY_ID = new_id(DELIVERY, AT, 8)


class Rows(dict[bytes, bytes]):
    """A table of one partition."""

    def get_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        assert partition == 3
        return [self.get(key) for key in keys]


def test_an_idempotency_row_names_the_first_and_where_it_was_read() -> None:
    first = idempotency.First(ID, AT, "medium", 3, 17)
    table = Rows({idempotency.key_of("u-1", "order-9"): idempotency.packed(first)})
    found = look_up("idempotency", table, 3, "u-1", "order-9")  # type: ignore[arg-type]
    assert found == {
        "key": "order-9",
        "first_id": ID,
        "at": "2025-10-09T08:53:20.000+00:00",
        "expires_at": "2025-10-10T08:53:20.000+00:00",
        "read_at": {"lane": "medium", "partition": 3, "offset": 17},
    }


def test_windows_are_shown_by_channel() -> None:
    windows = rate_windows.windows_of([RateLimit("sms", 10, 3600), RateLimit("email", 500, 3600)])
    table = Rows(
        {
            rate_windows.key_of("u-1", channel): rate_windows.admitted(None, windows[channel], AT, rate_windows.mark_of(ID))
            for channel in windows
        }
    )
    found = look_up("rate_windows", table, 3, "u-1", "")  # type: ignore[arg-type]
    assert found is not None
    channels = found["channels"]
    assert set(channels) == {"sms", "email"}
    assert channels["sms"]["admitted"] == [{"at": "2025-10-09T08:53:20.000+00:00", "mark": rate_windows.mark_of(ID).hex()}]
    assert channels["email"]["counted"]["3600"][0]["count"] == 1


def test_an_attempt_tells_outcome_and_what_followed() -> None:
    row = attempts.Row(0, 2, Outcome.UNKNOWN, StatusName.FAILED, attempts.Follows.DEAD_LETTER, 500, AT, "x-1")
    table = Rows({attempts.key(DELIVERY_ID): attempts.pack(row)})
    found = look_up("attempts", table, 3, "u-1", DELIVERY_ID)  # type: ignore[arg-type]
    assert found is not None
    assert (found["attempt"], found["outcome"], found["follows"], found["code"]) == (2, "UNKNOWN", "dead letter", 500)
    assert found["at"] == "2025-10-09T08:53:20.000+00:00"


@pytest.mark.parametrize(("table", "key"), [("idempotency", "k"), ("rate_windows", ""), ("attempts", DELIVERY_ID)])
def test_no_row(table: str, key: str) -> None:
    assert look_up(table, Rows(), 3, "u-1", key) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("table", "key"), [("idempotency", ""), ("attempts", ""), ("attempts", "dlv_1")])
def test_a_key_that_cannot_be_one(table: str, key: str) -> None:
    with pytest.raises(ValueError, match="say which"):
        look_up(table, Rows(), 3, "u-1", key)  # type: ignore[arg-type]
