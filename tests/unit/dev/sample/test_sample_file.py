"""A line of the sample has exactly one value, and the error about an invalid line has its number and the problem."""

from pathlib import Path

import pytest

from dev.sample.sample_file import SampleFileError, load_sample

VALID_LINE = (
    '{"via":"kafka","priority":"low","expected":["routed"],'
    '"notification":{"user_id":"u-{run}","type":"t","to":{"webhook":"{simulators}/hooks/a"}}}'
)


def write_sample(folder: Path, *lines: str) -> Path:
    file = folder / "sample.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    return file


def test_the_run_id_and_the_simulators_url_are_filled_in(tmp_path: Path) -> None:
    (line,) = load_sample("r1", "http://127.0.0.1:1", "u-q", write_sample(tmp_path, VALID_LINE))
    assert line.notification == {"user_id": "u-r1", "type": "t", "to": {"webhook": "http://127.0.0.1:1/hooks/a"}}


def test_the_user_with_quiet_hours_is_filled_in(tmp_path: Path) -> None:
    text = '{"via":"kafka","priority":"low","expected":[],"notification":{"user_id":"{quiet_user}"}}'
    (line,) = load_sample("r", "", "u-q", write_sample(tmp_path, text))
    assert line.notification == {"user_id": "u-q"}


def test_what_has_a_time_to_be_sent_cannot_be_replayed(tmp_path: Path) -> None:
    timed = '{"via":"kafka","priority":"low","expected":[],"notification":{},"send_after":1}'
    with pytest.raises(SampleFileError, match="without send_after"):
        load_sample("r", "", "u-q", write_sample(tmp_path, timed, '{"via":"kafka","expected":[],"replay_of":1}'))


def test_a_repeated_text_is_expanded(tmp_path: Path) -> None:
    text = '{"via":"kafka","priority":"low","expected":[],"notification":{"data":{"a":1}},"repeat":{"field":"intro","text":"ab","times":3}}'
    (line,) = load_sample("r", "", "u-q", write_sample(tmp_path, text))
    assert line.expanded_notification == {"data": {"a": 1, "intro": "ababab"}}
    assert line.notification == {"data": {"a": 1}}


@pytest.mark.parametrize(
    ("field", "value"),
    [('"text":"nonsense"', b"nonsense"), ('"text":""', b""), ('"base64":"//4A"', b"\xff\xfe\x00"), ('"null":true', None)],
)
def test_the_raw_value_of_a_line_without_a_notification(tmp_path: Path, field: str, value: bytes | None) -> None:
    (line,) = load_sample(
        "r", "", "u-q", write_sample(tmp_path, f'{{"via":"kafka","priority":"high","expected":["dead undecodable"],{field}}}')
    )
    assert line.expanded_notification is None
    assert line.raw_value == value


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 2"),
        ('{"via":"post","expected":[]}', "via"),
        ('{"via":"kafka","priority":"low","expected":[]}', "exactly one"),
        ('{"via":"kafka","priority":"low","expected":[],"text":"a","null":true}', "exactly one"),
        ('{"via":"kafka","expected":[],"notification":{}}', "requires a priority"),
        ('{"via":"http","expected":[],"text":"a"}', "only notifications"),
        ('{"via":"kafka","expected":[],"replay_of":2}', "earlier line"),
        ('{"via":"kafka","expected":[],"replay_of":0}', "earlier line"),
        ('{"via":"kafka","expected":[],"priority":"low","text":"a","send_after":1}', "require a notification"),
        ('{"via":"kafka","expected":[],"priority":"low","null":true,"cancel":true}', "require a notification"),
    ],
)
def test_the_error_about_an_invalid_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(SampleFileError, match=message):
        load_sample("r", "", "u-q", write_sample(tmp_path, VALID_LINE, line))
