"""Every table of the topology shows its rows decoded, and reads the time from which their time to live counts."""

from collections.abc import Callable, Sequence

import pytest

from app.topology import TOPOLOGY
from schemas.enums import Outcome, Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, make_id
from schemas.policy import RateLimit
from tables import attempts, digests, due, endpoint_order, idempotency, rate_windows
from tables.table_definition import GetRows, TableDefinition

AT = 1_760_000_000.0
AT_TEXT = "2025-10-09T08:53:20.000+00:00"
ID = make_id(NOTIFICATION_PREFIX, AT, 7)
DELIVERY_ID = make_id(DELIVERY_PREFIX, AT, 8)
TABLES = [idempotency.TABLE, rate_windows.TABLE, attempts.TABLE, endpoint_order.TABLE, due.TABLE, digests.TABLE]


def build_idempotency_row(at: float) -> bytes:
    return idempotency.encode_row(idempotency.IdempotencyRow(ID, at, "medium", 3, 17))


def build_exact_row(at: float) -> bytes:
    return build_window_row(at, RateLimit("sms", 10, 3600))


def build_sliced_row(at: float) -> bytes:
    return build_window_row(at, RateLimit("sms", 1000, 3600))


def build_window_row(at: float, limit: RateLimit) -> bytes:
    windows = rate_windows.build_windows([limit])
    return rate_windows.add_entry(rate_windows.add_entry(None, windows, at - 10, b"old!"), windows, at, b"mark")


def build_attempt_row(at: float) -> bytes:
    row = attempts.AttemptRow(0, 2, Outcome.UNKNOWN, Status.FAILED, attempts.NextAction.DEAD_LETTER, 500, at, "x-1")
    return attempts.encode_row(row)


def build_get_rows(rows: dict[bytes, bytes] | None = None) -> GetRows:
    """A table in memory."""

    def get_rows(keys: Sequence[bytes]) -> list[bytes | None]:
        return [(rows or {}).get(key) for key in keys]

    return get_rows


def test_these_are_all_tables_of_the_topology() -> None:
    assert {table for spec in TOPOLOGY for table in spec.tables} == set(TABLES)


def test_an_idempotency_row_shows_the_first_notification_and_its_position() -> None:
    get_rows = build_get_rows({idempotency.encode_key("u-1", "order-9"): build_idempotency_row(AT)})
    assert idempotency.TABLE.find_row(get_rows, "u-1", "order-9") == {
        "key": "order-9",
        "notification_id": ID,
        "received_at": AT_TEXT,
        "expires_at": "2025-10-10T08:53:20.000+00:00",
        "source": {"priority": "medium", "partition": 3, "offset": 17},
    }


def test_rate_windows_are_shown_by_channel() -> None:
    rows = {
        rate_windows.encode_key("u-1", "sms"): build_window_row(AT, RateLimit("sms", 10, 3600)),
        rate_windows.encode_key("u-1", "email"): build_window_row(AT, RateLimit("email", 500, 3600)),
    }
    view = rate_windows.TABLE.find_row(build_get_rows(rows), "u-1", "")
    assert view is not None
    channels = view["channels"]
    assert set(channels) == {"sms", "email"}
    assert channels["sms"]["entries"][1] == {"at": AT_TEXT, "fingerprint": b"mark".hex()}
    assert channels["email"]["slices"]["3600"][0]["count"] == 2


def test_an_attempt_shows_its_outcome_and_the_next_action() -> None:
    view = attempts.TABLE.find_row(build_get_rows({attempts.encode_key(DELIVERY_ID): build_attempt_row(AT)}), "u-1", DELIVERY_ID)
    assert view is not None
    assert (view["attempt"], view["outcome"], view["next_action"], view["provider_code"]) == (2, "UNKNOWN", "dead letter", 500)
    assert view["attempted_at"] == AT_TEXT


def test_an_entry_shows_when_it_is_due() -> None:
    row = due.encode_index_row(due.IndexRow("low", int(AT * 1000), 2))
    view = due.TABLE.find_row(build_get_rows({due.encode_index_key("u-1", ID): row}), "u-1", ID)
    assert view == {"id": ID, "due_at": AT_TEXT, "priority": "low", "resume_count": 2}


def test_a_digest_shows_what_it_gathers_and_until_when() -> None:
    row = digests.encode_digest_row(digests.DigestRow("alert", "a", "", AT - 60, AT, "low", 3, 900))
    view = digests.TABLE.find_row(build_get_rows({digests.encode_digest_key(b"u-1", ID): row}), "u-1", ID)
    assert view is not None
    assert (view["type"], view["key"], view["count"], view["ends_at"], view["cause"]) == ("alert", "a", 3, AT_TEXT, "window")


@pytest.mark.parametrize(
    ("table", "key"),
    [(idempotency.TABLE, "k"), (rate_windows.TABLE, ""), (attempts.TABLE, DELIVERY_ID), (due.TABLE, ID), (digests.TABLE, ID)],
)
def test_without_a_row_there_is_no_view(table: TableDefinition, key: str) -> None:
    assert table.find_row(build_get_rows(), "u-1", key) is None


@pytest.mark.parametrize(
    ("table", "key"), [(idempotency.TABLE, ""), (attempts.TABLE, ""), (attempts.TABLE, "dlv_1"), (due.TABLE, ""), (digests.TABLE, "ntf_")]
)
def test_an_invalid_key_is_rejected_with_the_right_path(table: TableDefinition, key: str) -> None:
    with pytest.raises(ValueError, match=f"key: use /tables/{table.name}/"):
        table.find_row(build_get_rows(), "u-1", key)


@pytest.mark.parametrize(
    ("table", "build_row"),
    [
        (idempotency.TABLE, build_idempotency_row),
        (rate_windows.TABLE, build_exact_row),
        (rate_windows.TABLE, build_sliced_row),
        (attempts.TABLE, build_attempt_row),
    ],
)
def test_the_time_of_a_row_is_its_newest(table: TableDefinition, build_row: Callable[[float], bytes]) -> None:
    assert table.read_time(build_row(AT)) == AT


def test_a_window_without_entries_has_the_time_zero() -> None:
    assert rate_windows.TABLE.read_time(b"\0\0") == 0.0
