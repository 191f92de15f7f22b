"""Options of push messages: what a template may say, and what it renders to."""

from typing import Any

import msgspec
import pytest

from schemas.push_options import InvalidPushOptions, PushOptions, PushOptionsEntry, decode_entry, decode_options, encode_entry


def test_an_entry_is_the_source_of_a_part_and_back() -> None:
    entry = PushOptionsEntry(collapse_key="match-{{ id }}", badge="{{ unread }}", priority="high", data={"id": "{{ id }}"})
    assert decode_entry(encode_entry(entry)) == entry
    assert encode_entry(None) == encode_entry(PushOptionsEntry()) == ""
    assert decode_entry("") is None


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
