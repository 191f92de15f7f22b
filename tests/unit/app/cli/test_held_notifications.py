from tests.herold_runner import HeroldRunner
from tests.unit.app.api.harness import NOW, GatewayHarness
from tests.unit.app.api.resources.test_held_notifications import CANCELLED, HELD, ID, LATER, MOVED
from tests.unit.app.cli.conftest import parse_json_output


def test_cancel_prints_the_notification(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.history.histories[ID] = HELD
    gateway_harness.on_sleep = lambda: gateway_harness.history.histories.update({ID: CANCELLED})
    result = herold("cancel", ID, "--url", gateway_url)
    assert (result.exit_code, "cancelled" in result.stdout) == (0, True)
    assert any(line.split()[-3:] == ["scheduler", "rejected", "cancelled"] for line in result.stdout.splitlines())


def test_reschedule_takes_epoch_seconds_and_text(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.on_sleep = lambda: gateway_harness.history.histories.update({ID: MOVED})
    for text in (str(LATER), "2025-10-09T10:53:20+00:00"):
        gateway_harness.history.histories[ID] = HELD
        result = herold("reschedule", ID, text, "--user", "u-42", "--url", gateway_url, "--json")
        assert parse_json_output(result)["reason"] == "rescheduled"
    invalid = herold("reschedule", ID, "tomorrow", "--url", gateway_url)
    assert (invalid.exit_code, "is not a time" in invalid.stderr) == (2, True)


def test_what_is_too_late_fails_and_what_is_unknown_is_not_found(
    herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness
) -> None:
    assert herold("cancel", ID, "--url", gateway_url).exit_code == 3
    gateway_harness.history.histories[ID] = CANCELLED
    late = herold("cancel", ID, "--url", gateway_url)
    assert (late.exit_code, "is not held" in late.stderr) == (1, True)


def test_without_an_answer_the_command_says_where_to_look(herold: HeroldRunner, gateway_url: str, gateway_harness: GatewayHarness) -> None:
    gateway_harness.history.histories[ID] = HELD
    result = herold("cancel", ID, "--url", gateway_url)
    assert (result.exit_code, f"herold show {ID}" in " ".join(result.stdout.split())) == (0, True)
    assert gateway_harness.now > NOW
