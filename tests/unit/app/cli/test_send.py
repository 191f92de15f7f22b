import json
from pathlib import Path

import click
import pytest

from app.cli.send import build_submission
from schemas.notification import Notification
from tests.unit.app.api.harness import NOW, GatewayHarness, make_notification_id
from tests.unit.app.cli.conftest import HeroldRunner, parse_json_output

REQUIRED_OPTIONS = ("--user", "u-42", "--type", "order.shipped")


def test_send_says_id_and_priority(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", *REQUIRED_OPTIONS, "--url", gateway_url)
    assert result.exit_code == 0
    assert make_notification_id(1) in result.stdout
    assert parse_json_output(herold("send", *REQUIRED_OPTIONS, "--url", gateway_url, "--json")) == {
        "id": make_notification_id(2),
        "status": "accepted",
        "priority": "low",
    }


def test_send_submits_all_that_was_said(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    more = ("--data", "order=17", "--data", '{"name": "Ann"}', "--to", "email=a@example.org", "--channel", "email", "--locale", "de-AT")
    result = herold("send", *REQUIRED_OPTIONS, *more, "--priority", "high", "--idempotency-key", "k", "--url", gateway_url, "--json")
    assert parse_json_output(result)["priority"] == "high"
    expected = Notification(
        "u-42",
        "order.shipped",
        make_notification_id(1),
        channels=["email"],
        data={"order": 17, "name": "Ann"},
        to={"email": ["a@example.org"]},
        locale="de-AT",
        idempotency_key="k",
        created_at=NOW,
    )
    assert gateway_harness.publisher.decode_notifications() == [expected]


@pytest.mark.parametrize(
    ("words", "exit_code", "status"),
    [((), 0, "SENT"), (("--to", "email=bounce@example.org"), 1, "FAILED")],
)
def test_wait_shows_the_end(herold: HeroldRunner, gateway_url: str, words: tuple[str, ...], exit_code: int, status: str) -> None:
    result = herold("send", *REQUIRED_OPTIONS, *words, "--wait", "--url", gateway_url)
    assert result.exit_code == exit_code
    assert status in result.stdout
    found = parse_json_output(herold("send", *REQUIRED_OPTIONS, *words, "--wait", "--url", gateway_url, "--json"))
    assert found["final"] is True
    assert found["deliveries"][0]["status"] == status


def test_wait_for_a_refused_one_is_1(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", "--user", "nobody", "--type", "order.shipped", "--wait", "--url", gateway_url)
    assert result.exit_code == 1
    assert "unknown_user" in result.stdout


def test_what_the_gateway_refuses_is_1_with_the_place(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("send", "--user", "u", "--type", "nobody.knows", "--url", gateway_url)
    assert result.exit_code == 1
    assert "$.type" in result.stderr


def test_what_kafka_did_not_confirm_is_4_with_the_id_to_look_for(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness
) -> None:
    gateway_harness.publisher.error = "no broker answers"
    result = herold("send", *REQUIRED_OPTIONS, "--url", gateway_url)
    assert result.exit_code == 4
    assert f"herold show {make_notification_id(1)}" in result.stderr


def test_a_file_is_submitted_whatever_some_lines_are(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    good = json.dumps({"user_id": "u", "type": "order.shipped"})
    file.write_text("\n".join([good] * 700 + ['{"user_id": 1}', ""] + [good]))
    result = herold("send", "--file", str(file), "--url", gateway_url, "--json")
    assert result.exit_code == 1
    told = parse_json_output(result)
    assert (told["submitted"], told["accepted"], told["invalid"]) == (702, 701, 1)
    assert told["errors"] == [{"line": 701, "detail": "$[200].user_id: Expected `str`, got `int`"}]
    assert len(gateway_harness.publisher.records) == 701
    assert "701" in herold("send", "--file", str(file), "--url", gateway_url).stdout


@pytest.mark.parametrize("more", [REQUIRED_OPTIONS, ("--data", "a=1"), ("--wait",), ("--idempotency-key", "k"), ("--priority", "high")])
def test_a_file_beside_what_it_would_ignore_is_wrong_usage(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, tmp_path: Path, more: tuple[str, ...]
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({"user_id": "u-1", "type": "order.shipped"}) + "\n")
    result = herold("send", *more, "--file", str(file), "--url", gateway_url)
    assert result.exit_code == 2
    assert not gateway_harness.publisher.decode_notifications()


def test_a_file_of_good_ones_is_0(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "good.jsonl"
    file.write_text('{"user_id": "u", "type": "order.shipped"}\n')
    assert herold("send", "--file", str(file), "--url", gateway_url).exit_code == 0


def test_a_file_of_bad_ones_is_counted(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{}\n{"user_id": 1}\n')
    assert parse_json_output(herold("send", "--file", str(file), "--url", gateway_url, "--json"))["invalid"] == 2


def test_a_file_that_is_no_json_names_the_line(herold: HeroldRunner, gateway_url: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"user_id": "u", "type": "order.shipped"}\nnonsense\n')
    result = herold("send", "--file", str(file), "--url", gateway_url)
    assert result.exit_code == 1
    assert "bad.jsonl:2" in result.stderr


def test_two_addresses_of_a_channel_are_both_kept() -> None:
    assert build_submission("u", "t", [], ["push=a", "push=b"], [])["to"] == {"push": ["a", "b"]}


@pytest.mark.parametrize(
    ("data", "to"), [(["novalue"], []), (["=1"], []), (["[1]"], []), ([], ["fax=1"]), ([], ["email"]), ([], ["email="])]
)
def test_what_cannot_be_understood_is_wrong_usage(data: list[str], to: list[str]) -> None:
    with pytest.raises(click.UsageError):
        build_submission("u", "t", data, to, [])
