"""Rows of the tables as people read them."""

from collections.abc import Sequence

import pytest

from app.workers.table_inspection import find_row
from schemas.enums import Outcome, Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, make_id
from schemas.policy import RateLimit
from tables import attempts, idempotency, rate_windows

AT = 1_760_000_000.0
ID = make_id(NOTIFICATION_PREFIX, AT, 7)
DELIVERY_ID = make_id(DELIVERY_PREFIX, AT, 8)


class SinglePartitionTable(dict[bytes, bytes]):
    """A table of one partition."""

    def get_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        assert partition == 3
        return [self.get(key) for key in keys]


def test_an_idempotency_row_names_the_first_and_where_it_was_read() -> None:
    first = idempotency.IdempotencyRow(ID, AT, "medium", 3, 17)
    table = SinglePartitionTable({idempotency.encode_key("u-1", "order-9"): idempotency.encode_row(first)})
    found = find_row("idempotency", table, 3, "u-1", "order-9")  # type: ignore[arg-type]
    assert found == {
        "key": "order-9",
        "duplicate_of": ID,
        "received_at": "2025-10-09T08:53:20.000+00:00",
        "expires_at": "2025-10-10T08:53:20.000+00:00",
        "source": {"priority": "medium", "partition": 3, "offset": 17},
    }


def test_windows_are_shown_by_channel() -> None:
    windows = rate_windows.build_channel_windows([RateLimit("sms", 10, 3600), RateLimit("email", 500, 3600)])
    table = SinglePartitionTable(
        {
            rate_windows.encode_key("u-1", channel): rate_windows.add_entry(
                None, windows[channel], AT, rate_windows.compute_fingerprint(ID)
            )
            for channel in windows
        }
    )
    found = find_row("rate_windows", table, 3, "u-1", "")  # type: ignore[arg-type]
    assert found is not None
    channels = found["channels"]
    assert set(channels) == {"sms", "email"}
    assert channels["sms"]["entries"] == [
        {"at": "2025-10-09T08:53:20.000+00:00", "fingerprint": rate_windows.compute_fingerprint(ID).hex()}
    ]
    assert channels["email"]["slices"]["3600"][0]["count"] == 1


def test_an_attempt_tells_outcome_and_what_followed() -> None:
    row = attempts.AttemptRow(0, 2, Outcome.UNKNOWN, Status.FAILED, attempts.NextAction.DEAD_LETTER, 500, AT, "x-1")
    table = SinglePartitionTable({attempts.encode_key(DELIVERY_ID): attempts.encode_row(row)})
    found = find_row("attempts", table, 3, "u-1", DELIVERY_ID)  # type: ignore[arg-type]
    assert found is not None
    assert (found["attempt"], found["outcome"], found["next_action"], found["provider_code"]) == (2, "UNKNOWN", "dead letter", 500)
    assert found["attempted_at"] == "2025-10-09T08:53:20.000+00:00"


@pytest.mark.parametrize(("table", "key"), [("idempotency", "k"), ("rate_windows", ""), ("attempts", DELIVERY_ID)])
def test_no_row(table: str, key: str) -> None:
    assert find_row(table, SinglePartitionTable(), 3, "u-1", key) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("table", "key"), [("idempotency", ""), ("attempts", ""), ("attempts", "dlv_1")])
def test_a_key_that_cannot_be_one(table: str, key: str) -> None:
    with pytest.raises(ValueError, match="say which"):
        find_row(table, SinglePartitionTable(), 3, "u-1", key)  # type: ignore[arg-type]
