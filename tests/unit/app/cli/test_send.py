import json
import shlex
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from app.cli.errors import EXIT_UNREACHABLE
from app.cli.send import build_submission
from schemas.idempotent_responses import RecentNotification
from schemas.notification import Notification
from schemas.push_options import NotificationPushOptions
from schemas.timestamps import to_epoch_seconds
from tables.postgres.seed import load_seed_policy
from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id
from tests.unit.app.cli.conftest import parse_json_output

REQUIRED_OPTIONS = ("--user", "u-42", "--type", "order.shipped")


def test_send_prints_id_and_priority(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", *REQUIRED_OPTIONS, "--url", gateway_url)
    assert result.exit_code == 0
    assert make_notification_id(1) in result.stdout
    assert "accepted, not sent yet" in result.stdout
    assert parse_json_output(herold("send", *REQUIRED_OPTIONS, "--url", gateway_url, "--json")) == {
        "id": make_notification_id(2),
        "status": "accepted",
        "priority": "low",
    }


@pytest.mark.parametrize("command", [(), ("send",)])
def test_the_example_in_the_help_can_be_sent_to_a_new_installation(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, command: tuple[str, ...]
) -> None:
    gateway_harness.policy_reader.policy = load_seed_policy()
    lines = herold(*command, "--help").stdout.splitlines()
    example = next(line for line in lines if line.strip().startswith("herold send --user"))
    result = herold(*shlex.split(example.removesuffix(" --wait"))[1:], "--url", gateway_url)
    assert result.exit_code == 0, result.output


def test_send_at_is_a_time_or_a_duration(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.now = now = time.time()
    for text in ("+2h", datetime.fromtimestamp(now + 3600, UTC).isoformat()):
        assert herold("send", *REQUIRED_OPTIONS, "--send-at", text, "--url", gateway_url).exit_code == 0
    by_duration, by_text = (to_epoch_seconds(one.send_at or 0.0) for one in gateway_harness.publisher.decode_notifications())
    assert now + 7200 <= by_duration <= time.time() + 7200
    assert by_text == pytest.approx(now + 3600)


def test_send_submits_all_options(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    data = ("--data", "order=17", "--data", '{"name": "Ann"}', "--data", 'items:=["book"]')
    options = (*data, "--to", "email=a@example.org", "--channel", "email", "--locale", "de-AT", "--push-option", "badge:=3")
    result = herold("send", *REQUIRED_OPTIONS, *options, "--priority", "high", "--idempotency-key", "k", "--url", gateway_url, "--json")
    assert parse_json_output(result)["priority"] == "high"
    expected = Notification(
        "u-42",
        "order.shipped",
        make_notification_id(1),
        channels=["email"],
        data={"order": "17", "name": "Ann", "items": ["book"]},
        to={"email": ["a@example.org"]},
        locale="de-AT",
        idempotency_key="k",
        created_at=NOW,
        push=NotificationPushOptions(badge=3),
    )
    assert gateway_harness.publisher.decode_notifications() == [expected]


@pytest.mark.parametrize("key", ["schlüssel", "鍵", "cle\u0301"])
def test_a_key_that_is_not_ascii_is_the_same_as_option_and_in_a_file(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path, key: str
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps({"user_id": "u-42", "type": "order.shipped", "idempotency_key": key}))
    results = [
        herold("send", *options, "--url", gateway_url) for options in ((*REQUIRED_OPTIONS, "--idempotency-key", key), ("--file", str(file)))
    ]
    assert [result.exit_code for result in results] == [0, 0], results[0].output
    assert [notification.idempotency_key for notification in gateway_harness.publisher.decode_notifications()] == [key, key]


@pytest.mark.parametrize(
    ("options", "exit_code", "status"),
    [((), 0, "SENT"), (("--to", "email=bounce@example.org"), 1, "FAILED")],
)
def test_wait_prints_the_final_notification(
    herold: HeroldRunner, gateway_url: str, options: tuple[str, ...], exit_code: int, status: str
) -> None:
    result = herold("send", *REQUIRED_OPTIONS, *options, "--wait", "--url", gateway_url)
    assert result.exit_code == exit_code
    assert status in result.stdout
    notification = parse_json_output(herold("send", *REQUIRED_OPTIONS, *options, "--wait", "--url", gateway_url, "--json"))
    assert notification["final"] is True
    assert notification["deliveries"][0]["status"] == status


def test_wait_without_history_says_that_the_notification_is_accepted(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(accepted: Sequence[RecentNotification]) -> None:
        """As Redis does after a while."""

    monkeypatch.setattr(gateway_harness.recent_notifications, "add_many", forget)
    gateway_harness.history.is_unavailable = True
    result = herold("send", *REQUIRED_OPTIONS, "--wait", "--url", gateway_url)
    assert result.exit_code == EXIT_UNREACHABLE
    assert f"{make_notification_id(1)} is accepted, but the gateway is unavailable" in result.stderr
    assert f"do not submit it again: `herold show {make_notification_id(1)}`" in result.stderr


def test_wait_for_a_rejected_notification_exits_with_1(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", "--user", "unknown", "--type", "order.shipped", "--wait", "--url", gateway_url)
    assert result.exit_code == 1
    assert "unknown_user" in result.stdout


def test_an_invalid_submission_exits_with_1_and_the_path(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", "--user", "u", "--type", "unknown.type", "--url", gateway_url)
    assert result.exit_code == 1
    assert "$.type" in result.stderr


def test_an_unconfirmed_submission_exits_with_4_and_its_id(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.publisher.error = "no broker answers"
    result = herold("send", *REQUIRED_OPTIONS, "--url", gateway_url)
    assert result.exit_code == 4
    assert f"herold show {make_notification_id(1)}" in result.stderr


def test_the_valid_lines_of_a_file_are_submitted(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    line = json.dumps({"user_id": "u", "type": "order.shipped"})
    file.write_text("\n".join([line] * 700 + ['{"user_id": 1}', ""] + [line]))
    result = herold("send", "--file", str(file), "--url", gateway_url, "--json")
    assert result.exit_code == 1
    totals = parse_json_output(result)
    assert (totals["submitted"], totals["accepted"], totals["invalid"]) == (702, 701, 1)
    assert totals["errors"] == [{"line": 701, "detail": "$[200].user_id: must be a string, not an integer"}]
    assert len(gateway_harness.publisher.records) == 701
    assert "701" in herold("send", "--file", str(file), "--url", gateway_url).stdout


@pytest.mark.parametrize("options", [REQUIRED_OPTIONS, ("--data", "a=1"), ("--wait",), ("--idempotency-key", "k"), ("--priority", "high")])
def test_a_file_with_options_of_one_notification_is_wrong_usage(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path, options: tuple[str, ...]
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"user_id": "u-1", "type": "order.shipped"}) + "\n")
    result = herold("send", *options, "--file", str(file), "--url", gateway_url)
    assert result.exit_code == 2
    assert not gateway_harness.publisher.decode_notifications()


def test_a_file_of_valid_notifications_exits_with_0(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "good.jsonl"
    file.write_text('{"user_id": "u", "type": "order.shipped"}\n')
    assert herold("send", "--file", str(file), "--url", gateway_url).exit_code == 0


def test_a_file_with_a_time_in_milliseconds_names_line_field_and_unit(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "times.jsonl"
    line = '{"user_id": "u", "type": "order.shipped", "expires_at": %s}\n'
    file.write_text(line % '"2100-01-01T00:00:00Z"' + line % "1760000060000")
    totals = parse_json_output(herold("send", "--file", str(file), "--url", gateway_url, "--json"))
    assert (totals["accepted"], totals["invalid"], totals["errors"][0]["line"]) == (1, 1, 2)
    assert totals["errors"][0]["detail"].startswith("$[1].expires_at: 1760000060000 looks like milliseconds")


def test_a_file_of_invalid_notifications_is_counted(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{}\n{"user_id": 1}\n')
    assert parse_json_output(herold("send", "--file", str(file), "--url", gateway_url, "--json"))["invalid"] == 2


def test_a_line_that_is_not_json_is_named(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"user_id": "u", "type": "order.shipped"}\nnonsense\n')
    result = herold("send", "--file", str(file), "--url", gateway_url)
    assert result.exit_code == 1
    assert "bad.jsonl:2" in result.stderr


def test_two_addresses_of_a_channel_are_both_submitted() -> None:
    assert build_submission("u", "t", [], ["push=a", "push=b"], [])["to"] == {"push": ["a", "b"]}


@pytest.mark.parametrize(
    ("data", "to"), [(["novalue"], []), (["=1"], []), (["[1]"], []), ([], ["fax=1"]), ([], ["email"]), ([], ["email="])]
)
def test_an_invalid_data_or_to_option_is_wrong_usage(data: list[str], to: list[str]) -> None:
    with pytest.raises(click.UsageError):
        build_submission("u", "t", data, to, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("v=77950e8", "77950e8"),
        ("v=true", "true"),
        ("v=", ""),
        ("v=a:=1", "a:=1"),
        ("v:=17", 17),
        ("v:=null", None),
        ('v:={"a": [1]}', {"a": [1]}),
    ],
)
def test_data_is_text_after_an_equals_sign_and_json_after_a_colon(text: str, value: object) -> None:
    assert build_submission("u", "t", [text], [], [])["data"] == {"v": value}


@pytest.mark.parametrize(
    "text", ["v:=NaN", "v:=1e999", "v:=", "v:=[1", 'v:="\\ud800"', "v:=" + "[" * 9000, '{"v": NaN}', ":=1", "v:=\udcff"]
)
def test_data_that_is_not_json_is_wrong_usage_and_is_named(herold: HeroldRunner, gateway_url: str, text: str) -> None:
    result = herold("send", *REQUIRED_OPTIONS, "--data", text, "--url", gateway_url)
    assert result.exit_code == 2
    assert "--data" in result.stderr


def test_an_option_that_is_not_utf8_is_an_error_with_advice(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", *REQUIRED_OPTIONS, "--data", "v=\udcff", "--url", gateway_url)
    assert result.exit_code == 1
    assert "not UTF-8" in result.stderr


def test_a_byte_order_mark_in_a_file_is_ignored(
    herold: HeroldRunner, gateway_url: str, tmp_path: Path, gateway_harness: GatewayHarness
) -> None:
    file = tmp_path / "marked.jsonl"
    line = b'\xef\xbb\xbf{"user_id": "u", "type": "order.shipped"}\n'
    file.write_bytes(line + line + b"\xef\xbb\xbf\n")
    assert parse_json_output(herold("send", "--file", str(file), "--url", gateway_url, "--json"))["accepted"] == 2
    assert [notification.user_id for notification in gateway_harness.publisher.decode_notifications()] == ["u", "u"]


@pytest.mark.parametrize("line", ['{"user_id": NaN}', '{"user_id": "\\ud800"}', "[" * 9000])
def test_a_line_that_only_python_takes_for_json_is_named(herold: HeroldRunner, gateway_url: str, tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(line + "\n")
    result = herold("send", "--file", str(file), "--url", gateway_url)
    assert result.exit_code == 1
    assert "bad.jsonl:1" in result.stderr
