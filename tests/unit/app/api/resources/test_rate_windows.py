"""Emptying rate windows over HTTP: never without an entry in the audit log."""

from schemas.user_rows import UserRow
from tests.unit.app.api.harness import FakeUserTables, FakeWindowResets, GatewayHarness
from tests.unit.app.api.resources.test_notifications import assert_problem

URL = "/v1/users/u-42/rate-windows"
ROWS = [UserRow(b"", b"0"), UserRow(b"email\0news", b"1"), UserRow(b"sms", b"2")]


def build_harness() -> GatewayHarness:
    return GatewayHarness(user_tables=FakeUserTables({"rate_windows": ROWS}))


def test_windows_are_emptied_with_an_entry_of_who_did_it_and_why() -> None:
    harness = build_harness()
    with harness.build_client() as client:
        one = client.delete(f"{URL}?channel=sms&reason=a%20call", headers={"Herold-Actor": "eve", "Herold-Source": "cli"}).json()
        everything = client.delete(URL).json()
    assert one == {"user_id": "u-42", "windows": ["sms"], "audit_id": "aud_1"}
    assert everything["windows"] == ["all channels", "email, news", "sms"]
    assert harness.user_tables.removed == [("rate_windows", "sms"), ("rate_windows", "")]
    assert harness.window_resets.entries == [
        ("eve", "reset", "u-42", {"source": "cli", "channel": "sms", "reason": "a call"}),
        ("api", "reset", "u-42", {"source": "api", "channel": "", "reason": ""}),
    ]


def test_without_the_audit_log_nothing_is_emptied() -> None:
    harness = build_harness()
    harness.window_resets = FakeWindowResets(problem="PostgreSQL does not answer")
    with harness.build_client() as client:
        response = client.delete(URL)
    assert_problem(response, 503)
    assert "nothing was reset" in response.json()["detail"]
    assert harness.user_tables.removed == []


def test_a_reset_that_fails_is_in_the_audit_log_as_that() -> None:
    harness = build_harness()
    harness.user_tables.problem = "no worker of the role router has registered"
    with harness.build_client() as client:
        assert_problem(client.delete(URL), 503)
    assert [(action, details.get("entry", "")) for _, action, _, details in harness.window_resets.entries] == [
        ("reset", ""),
        ("reset_failed", "aud_1"),
    ]


def test_an_invalid_request_changes_nothing() -> None:
    harness = build_harness()
    with harness.build_client() as client:
        assert_problem(client.delete(f"{URL}?channel=pigeon"), 422)
        assert_problem(client.delete(f"{URL}?reason=%00"), 422)
    assert harness.window_resets.entries == []
