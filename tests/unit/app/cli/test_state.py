from datetime import date, timedelta

from app.cli.api_client import get_operator
from schemas.policy import Policy, RateLimit
from schemas.profile import Profile
from schemas.user_counts import DailyCount
from schemas.user_rows import UserRow
from tables import rate_windows
from tables.digests import DigestRow, encode_digest_row
from tables.idempotency import IdempotencyRow, encode_row
from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id
from tests.unit.app.cli.conftest import parse_json_output

LIMIT = RateLimit("sms", 1, 3600)


def test_state_prints_windows_and_keys_in_the_users_zone(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.policy_reader.policy = Policy({}, (), (LIMIT, RateLimit("email", 300, 60)))
    gateway_harness.profiles.profiles["u 42"] = Profile("u 42", time_zone="Europe/Vienna")
    window = rate_windows.add_entry(None, rate_windows.build_windows([LIMIT]), NOW, b"mark")
    gateway_harness.user_tables.tables = {
        "rate_windows": [UserRow(b"sms", window)],
        "idempotency": [UserRow(b"k-1", encode_row(IdempotencyRow(make_notification_id(1), NOW, "low", 1, 2)))],
    }
    result = herold("state", "u 42", "--url", gateway_url)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "sms 3,600 s 1 1 2025-10-09 11:53:20 Vienna time (09:53:20 UTC)" in lines
    assert "email 60 s 0 300 has room" in lines
    assert any(line.startswith(f"k-1 {make_notification_id(1)} 2025-10-09 10:53:20 Vienna time") for line in lines)
    assert parse_json_output(herold("state", "u 42", "--url", gateway_url, "--json"))["user_id"] == "u 42"


def test_state_prints_what_was_sent_by_day_and_channel(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    day = date(2025, 10, 9)
    gateway_harness.history.user_counts["u-42"] = [
        DailyCount(day, "email", 1200),
        DailyCount(day, "sms", 2),
        DailyCount(day - timedelta(days=3), "sms", 1),
    ]
    result = herold("state", "u-42", "--url", gateway_url)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[lines.index("Sent by day") + 1 :] == ["day (UTC) email sms", "2025-10-09 1,200 2", "2025-10-06 1"]
    counts = parse_json_output(herold("state", "u-42", "--url", gateway_url, "--json"))["counts"]
    assert counts[0] == {"day": "2025-10-09", "channel": "email", "sent": 1200}


def test_without_postgresql_the_state_is_shown_without_counts(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness
) -> None:
    gateway_harness.history.is_unavailable = True
    result = herold("state", "u-42", "--url", gateway_url)
    assert result.exit_code == 0, result.output
    assert "no counts" in result.stdout
    assert "Sent by day" not in result.stdout


def test_state_prints_open_digests(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    row = DigestRow("alert", "team-1", "", NOW, NOW + 3600, "low", 3, 100)
    gateway_harness.user_tables.tables = {"digests": [UserRow(bytes.fromhex(make_notification_id(1)[4:]), encode_digest_row(row))]}
    lines = [" ".join(line.split()) for line in herold("state", "u-42", "--url", gateway_url).stdout.splitlines()]
    assert f"{make_notification_id(1)} alert team-1 3 2025-10-09 08:53:20 UTC 2025-10-09 09:53:20 UTC" in lines


def test_no_worker_exits_with_4_and_the_reason(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.user_tables.problem = "no worker of the role router has registered"
    result = herold("state", "u-42", "--url", gateway_url)
    assert result.exit_code == 4
    assert "no worker of the role router has registered" in result.stderr


def test_windows_are_emptied_before_they_are_shown(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.user_tables.tables = {"rate_windows": [UserRow(b"sms", b"\0\0"), UserRow(b"email", b"\0\0")]}
    result = herold("state", "u-42", "--reset", "sms", "--reason", "a call", "--url", gateway_url)
    assert result.exit_code == 0, result.output
    assert "emptied: sms; aud_1" in result.stderr
    assert "emptied: sms, email; aud_2" in herold("state", "u-42", "--reset", "all", "--url", gateway_url).stderr
    entries = gateway_harness.window_resets.entries
    assert [(actor, details["reason"]) for actor, _, _, details in entries] == [(get_operator(), "a call"), (get_operator(), "")]
