"""What has to outlive what, so that no promise ends with a row or a record that is gone."""

import re
from pathlib import Path

import pytest

from app.topology import TOPOLOGY
from schemas import lifetimes
from schemas.lifetimes import (
    ATTEMPT_ROWS,
    DAY,
    DEAD_LETTER_RECORDS,
    DELIVERY_RECORDS,
    ENDPOINT_ORDER_ROWS,
    IDEMPOTENCY_HORIZON,
    IDEMPOTENCY_ROWS,
    MAX_RATE_WINDOW,
    NOTIFICATION_EXPIRY,
    NOTIFICATION_RECORDS,
    RATE_WINDOW_ROWS,
    SCHEDULED_RECORDS,
    STATUS_RECORDS,
)
from tables.redis.keys import IDEMPOTENCY_RESPONSE_TTL
from tests.settings_builders import DEFAULT_SETTINGS

ROOT = Path(__file__).parents[3]
MIGRATIONS = ROOT / "tables" / "postgres" / "migrations"


def test_a_duplicate_that_waits_until_it_expires_still_finds_the_row_of_the_first() -> None:
    assert IDEMPOTENCY_ROWS >= IDEMPOTENCY_HORIZON + NOTIFICATION_EXPIRY


def test_a_notification_that_is_decided_again_before_it_expires_finds_its_row() -> None:
    assert IDEMPOTENCY_HORIZON >= NOTIFICATION_EXPIRY


def test_a_key_counts_as_long_over_http_as_over_kafka() -> None:
    assert IDEMPOTENCY_RESPONSE_TTL == IDEMPOTENCY_HORIZON


def test_a_delivery_that_is_read_again_finds_its_row() -> None:
    assert ATTEMPT_ROWS >= DELIVERY_RECORDS


def test_what_is_in_a_row_of_an_ordered_endpoint_expires_before_the_row() -> None:
    assert ENDPOINT_ORDER_ROWS >= NOTIFICATION_EXPIRY + DAY


def test_the_longest_window_has_its_rows_and_is_the_one_of_the_database() -> None:
    assert RATE_WINDOW_ROWS >= MAX_RATE_WINDOW
    sql = "".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql")))
    assert re.findall(r"check \(window_seconds <= (\d+)\)", sql) == [str(MAX_RATE_WINDOW)]


def test_no_rule_lets_a_notification_live_longer_than_any_does() -> None:
    sql = "".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql")))
    assert re.findall(r"check \(expires_after <= (\d+)\)", sql) == [str(NOTIFICATION_EXPIRY)]


@pytest.mark.parametrize("records", [NOTIFICATION_RECORDS, SCHEDULED_RECORDS, DELIVERY_RECORDS])
def test_a_record_is_kept_until_it_expires_and_a_day_longer(records: int) -> None:
    assert records >= NOTIFICATION_EXPIRY + DAY


@pytest.mark.parametrize("records", [STATUS_RECORDS, DEAD_LETTER_RECORDS])
def test_the_history_is_kept_longer_than_the_records_that_it_is_made_of(records: int) -> None:
    assert DEFAULT_SETTINGS.postgres.retention_days * DAY > records


def test_each_table_takes_its_time_to_live_from_here() -> None:
    assert {name for spec in TOPOLOGY for name in spec.table_ttls} == {
        *("idempotency", "rate_windows", "attempts", "endpoint_order", "due", "digests")
    }
    rows = {value for name, value in vars(lifetimes).items() if name.endswith("_ROWS")}
    assert {ttl for spec in TOPOLOGY for ttl in spec.table_ttls.values()} == rows | {
        None
    }  # an entry may be due in years, and a digest open for a month
