"""Options of push messages: what a template may say, and what it renders to."""

from typing import Any

import msgspec
import pytest

from app.api.problems import ProblemError
from app.api.services.submission_validation import decode_submission
from schemas.push_options import (
    InvalidPushOptions,
    NotificationPushOptions,
    PushOptions,
    PushOptionsEntry,
    decode_entry,
    decode_options,
    encode_entry,
    merge_options,
)


def test_an_entry_is_the_source_of_a_part_and_back() -> None:
    entry = PushOptionsEntry(collapse_key="match-{{ id }}", badge="{{ unread }}", priority="high", data={"id": "{{ id }}"})
    assert decode_entry(encode_entry(entry)) == entry
    assert encode_entry(None) == encode_entry(PushOptionsEntry()) == ""
    assert decode_entry("") is None


@pytest.mark.parametrize(
    ("own", "template", "merged"),
    [
        ({}, None, {}),
        ({"collapse_key": "m-7"}, None, {"collapse_key": "m-7"}),
        ({}, {"sound": "goal", "badge": 3}, {"sound": "goal", "badge": 3}),
        ({"badge": 0, "priority": "high"}, {"sound": "goal", "badge": 3}, {"sound": "goal", "badge": 0, "priority": "high"}),
        ({"mutable_content": True}, {"mutable_content": False}, {"mutable_content": True}),
    ],
)
def test_the_options_of_a_notification_come_before_those_of_its_template(
    own: dict[str, Any], template: dict[str, Any] | None, merged: dict[str, Any]
) -> None:
    of_template = None if template is None else PushOptions(**template)
    assert merge_options(of_template, NotificationPushOptions(**own)) == PushOptions(**merged)


@pytest.mark.parametrize(
    ("push", "path"),
    [
        ({"collapse_key": "k" * 65}, "$.push.collapse_key"),
        ({"collapse_key": "Tor für"}, "$.push.collapse_key"),
        ({"collapse_key": "k\n"}, "$.push.collapse_key"),
        ({"badge": -1}, "$.push.badge"),
        ({"badge": 2**31}, "$.push.badge"),
        ({"priority": "urgent"}, "$.push.priority"),
        ({"sound": "x" * 257}, "$.push.sound"),
        ({"colour": "red"}, "$.push.colour"),
        ([], "$.push"),
    ],
)
def test_what_a_platform_does_not_take_is_refused_with_its_path(push: Any, path: str) -> None:
    body = msgspec.json.encode({"user_id": "u-1", "type": "t", "push": push})
    with pytest.raises(ProblemError) as raised:
        decode_submission(body)
    assert (raised.value.problem.status, [error.path for error in raised.value.problem.errors]) == (422, [path])


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"priority": "urgent"},
        {"urgency": "HIGH"},
        {"interruption_level": "timeSensitive"},
        {"badge": -1},
        {"badge": 1.5},
        {"data": {"id": 17}},
        {"sound": "x" * 257},
        {"mutable_content": "yes"},
        {"data": {str(number): "" for number in range(101)}},
    ],
)
def test_an_entry_is_checked_when_it_is_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, PushOptionsEntry)


def test_a_rendered_badge_is_a_number_and_data_is_apart() -> None:
    options, data = decode_options('{"badge":"3","sound":"default","data":{"id":"17"}}')
    assert (options, data) == (PushOptions(sound="default", badge=3), {"id": "17"})


@pytest.mark.parametrize("text", ['{"badge":"many"}', '{"badge":"-1"}', '{"badge":""}', '{"sound":"\ud800"}'])
def test_what_renders_to_no_option_is_an_error(text: str) -> None:
    with pytest.raises(InvalidPushOptions):
        decode_options(text)
