import pytest
from msgspec.structs import replace

from agents.router.gates.order import REASONS
from agents.router.gates.recipient import UNKNOWN_USER
from schemas.enums import State
from schemas.history import NotificationHistory
from schemas.notification import Notification
from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import GatewayHarness, make_notification_id
from tests.unit.app.cli.conftest import build_history, parse_json_output


def test_show_prints_a_timeline(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.history.histories[make_notification_id(7)] = build_history(
        Notification("u-42", "order.shipped", make_notification_id(7))
    )
    result = herold("show", make_notification_id(7), "--url", gateway_url)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    router = next(line for line in lines if "router" in line)
    attempt = next(line for line in lines if "email attempt 1" in line)
    assert "+4 ms" in router
    assert all(part in attempt for part in ("+20 ms", "SENT", "ACCEPTED", "sendgrid", "code 202", "12.5 ms"))
    assert parse_json_output(herold("show", make_notification_id(7), "--url", gateway_url, "--json"))["id"] == make_notification_id(7)


def test_explain_prints_the_summary_and_the_decision_log(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.history.histories[make_notification_id(7)] = build_history(
        Notification("unknown", "order.shipped", make_notification_id(7))
    )
    result = herold("explain", make_notification_id(7), "--url", gateway_url)
    assert result.exit_code == 0
    answer, remedy, *rest = result.stdout.splitlines()
    assert answer == f"Not sent: {REASONS[UNKNOWN_USER]}."
    assert remedy.startswith("What would have changed it: the user would have to be stored with an address for e-mail")
    assert any(line.startswith("recipient  reject   unknown_user") and line.endswith("channels: e-mail") for line in rest)
    assert parse_json_output(herold("explain", make_notification_id(7), "--url", gateway_url, "--json"))["state"] == "rejected"


def test_explain_prints_every_attempt(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.history.histories[make_notification_id(7)] = build_history(
        Notification("u-42", "order.shipped", make_notification_id(7))
    )
    result = herold("explain", make_notification_id(7), "--url", gateway_url)
    attempt = next(line for line in result.stdout.splitlines() if "email attempt 1" in line)
    assert all(part in attempt for part in ("SENT", "ACCEPTED", "sendgrid", "code 202", "12.5 ms"))
    (delivery,) = parse_json_output(herold("explain", make_notification_id(7), "--url", gateway_url, "--json"))["deliveries"]
    assert delivery["attempts"][0]["outcome"] == "ACCEPTED"


def test_explain_finds_the_last_ones_of_a_user_and_a_type(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    for number, type_ in ((1, "order.shipped"), (2, "order.shipped"), (3, "news.weekly")):
        notification = Notification("u-42", type_, make_notification_id(number))
        gateway_harness.history.histories[make_notification_id(number)] = build_history(notification)
    command = ("explain", "--user", "u-42", "--url", gateway_url)
    lines = herold(*command, "--type", "order.shipped").stdout.splitlines()
    assert [line.split()[3] for line in lines[1:3]] == [make_notification_id(2), make_notification_id(1)]
    assert all("Sent by e-mail" in line for line in lines[1:3])
    assert f"notification  {make_notification_id(2)}" in lines
    one = herold(*command, "--type", "news.weekly").stdout
    assert one.startswith("Sent by e-mail at")
    explanations = parse_json_output(herold(*command, "--limit", "2", "--json"))
    assert [explanation["id"] for explanation in explanations] == [make_notification_id(3), make_notification_id(2)]


def test_explain_says_if_nothing_is_recorded_or_nothing_is_asked(herold: HeroldRunner, gateway_url: str) -> None:
    nothing = herold("explain", "--user", "u-42", "--type", "order.shipped", "--url", gateway_url)
    assert nothing.exit_code == 3
    assert "no notification of the type 'order.shipped' to the user 'u-42' is recorded" in nothing.stderr
    unasked = herold("explain", "--url", gateway_url)
    assert unasked.exit_code == 1
    assert "--user" in unasked.stderr


def test_an_unknown_id_exits_with_3(herold: HeroldRunner, gateway_url: str) -> None:
    for command in ("show", "explain"):
        assert herold(command, make_notification_id(9), "--url", gateway_url).exit_code == 3
        assert herold(command, "../../metrics", "--url", gateway_url).exit_code == 3


def test_a_text_that_is_no_id_is_named_as_that(herold: HeroldRunner, gateway_url: str) -> None:
    for command in ("show", "explain"):
        result = herold(command, "abc", "--url", gateway_url)
        assert result.exit_code == 3
        assert "'abc' is not a notification id: ntf_ and 32 hex digits" in result.stderr
        assert "herold list" in result.stderr
        assert "second or two" not in result.stderr
    assert "second or two" in herold("show", make_notification_id(9), "--url", gateway_url).stderr


def test_another_server_is_named_as_that(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("list", "u-42", "--url", f"{gateway_url}/elsewhere")
    assert result.exit_code == 3
    assert "check that this is the address of the gateway" in result.stderr


def test_a_proxy_of_the_environment_is_not_used(herold: HeroldRunner, gateway_url: str) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    result = herold("list", "u-42", "--url", gateway_url, NO_PROXY=None, no_proxy=None, **proxies)
    assert result.exit_code == 0, result.output


def test_list_prints_the_notifications_of_a_user(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    for number in (1, 2):
        gateway_harness.history.histories[make_notification_id(number)] = build_history(
            Notification("u-42", "order.shipped", make_notification_id(number))
        )
    result = herold("list", "u-42", "--url", gateway_url)
    assert result.exit_code == 0
    assert result.stdout.index(make_notification_id(2)) < result.stdout.index(make_notification_id(1))
    older = parse_json_output(herold("list", "u-42", "--before", make_notification_id(2), "--url", gateway_url, "--json"))
    assert [notification["id"] for notification in older["items"]] == [make_notification_id(1)]


def test_a_wrong_api_key_exits_with_1(herold: HeroldRunner, gateway_url: str) -> None:
    result = herold("show", make_notification_id(7), "--url", gateway_url, "--api-key", "wrong")
    assert result.exit_code == 1
    assert "rejected the key" in result.stderr


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_id_of_two_users_needs_the_user(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness, command: str) -> None:
    notification_id = gateway_harness.history.ambiguous_id = make_notification_id(5)
    gateway_harness.history.histories[notification_id] = build_history(Notification("u-42", "order.shipped", notification_id))
    result = herold(command, notification_id, "--url", gateway_url)
    assert result.exit_code == 1
    assert "2 users have a notification with the id" in result.stderr
    assert "--user" in result.stderr
    assert herold(command, notification_id, "--user", "u-42", "--url", gateway_url).exit_code == 0


def test_show_says_what_a_notification_was_merged_into(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    history = build_history(Notification("u-42", "order.shipped", make_notification_id(7)))
    assert history.decided is not None
    for state, label in ((State.MERGED, "merged into"), (State.REJECTED, "duplicate of")):
        decided = replace(history.decided, state=state, duplicate_of=make_notification_id(8))
        gateway_harness.history.histories[make_notification_id(7)] = NotificationHistory(decided, (), ())
        lines = herold("show", make_notification_id(7), "--url", gateway_url).stdout.splitlines()
        assert [" ".join(line.split()) for line in lines if make_notification_id(8) in line] == [f"{label} {make_notification_id(8)}"]
