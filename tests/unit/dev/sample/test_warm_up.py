"""The warm-up has valid lines of every way in, priority and channel, and none that the sample would notice."""

import pytest

from dev.sample.sample_file import SampleLine, load_sample
from dev.sample.warm_up import WARM_UP_SIZE, is_plain_guest, select_warm_up_lines


def test_the_warm_up_uses_every_way_in_every_priority_and_every_channel() -> None:
    lines = select_warm_up_lines(load_sample("warm-up-r", "http://simulators", "u-ruth"))
    assert len(lines) == WARM_UP_SIZE
    assert {line.via for line in lines} == {"kafka", "http"}
    assert {line.priority for line in lines} >= {"high", "medium", "low"}
    assert {channel for line in lines for channel in (line.notification or {})["to"]} == {"email", "sms", "push", "webhook"}


def test_its_users_are_not_those_of_the_sample() -> None:
    users = {(line.notification or {})["user_id"] for line in select_warm_up_lines(load_sample("warm-up-r", "http://simulators", "u-ruth"))}
    assert not users & {(line.notification or {}).get("user_id") for line in load_sample("r", "http://simulators", "u-ruth")}


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (["routed", "SENT"], {"user_id": "u-ada"}),
        (["routed", "SENT"], {"user_id": "guest-r-1", "channels": ["email"], "to": {"email": "throttle-1+1@example.org"}}),
        (["routed", "SENT"], {"user_id": "guest-r-1", "idempotency_key": "k"}),
        (["routed", "FAILED rejected_recipient"], {"user_id": "guest-r-1"}),
        (["rejected expired"], {"user_id": "guest-r-1"}),
    ],
)
def test_lines_with_an_effect_on_the_sample_are_left_out(expected: list[str], fields: dict[str, object]) -> None:
    assert is_plain_guest(SampleLine("kafka", ["routed", "SENT"], "low", {"user_id": "guest-r-1"}))
    assert not is_plain_guest(SampleLine("kafka", expected, "low", fields))


def test_a_line_that_is_held_is_left_out() -> None:
    assert not is_plain_guest(SampleLine("kafka", ["routed", "SENT"], "low", {"user_id": "guest-r-1"}, send_after=1.0))
