"""A line of the sample says exactly one thing, and a broken file says which line and why."""

from pathlib import Path

import pytest

from app.demo.sample import SampleBroken, load

GOOD = '{"via":"kafka","lane":"low","expect":["routed"],"notification":{"user_id":"u-{run}","type":"t","to":{"webhook":"{twins}/hooks/a"}}}'


def written(folder: Path, *lines: str) -> Path:
    file = folder / "sample.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    return file


def test_the_run_and_the_twins_are_filled_in(tmp_path: Path) -> None:
    (line,) = load("r1", "http://127.0.0.1:1", written(tmp_path, GOOD))
    assert line.notification == {"user_id": "u-r1", "type": "t", "to": {"webhook": "http://127.0.0.1:1/hooks/a"}}


def test_a_long_field_is_made_long(tmp_path: Path) -> None:
    text = '{"via":"kafka","lane":"low","expect":[],"notification":{"data":{"a":1}},"repeat":{"field":"intro","text":"ab","times":3}}'
    (line,) = load("r", "", written(tmp_path, text))
    assert line.body == {"data": {"a": 1, "intro": "ababab"}}
    assert line.notification == {"data": {"a": 1}}


@pytest.mark.parametrize(
    ("field", "value"),
    [('"text":"nonsense"', b"nonsense"), ('"text":""', b""), ('"base64":"//4A"', b"\xff\xfe\x00"), ('"null":true', None)],
)
def test_what_is_no_notification_goes_as_bytes(tmp_path: Path, field: str, value: bytes | None) -> None:
    (line,) = load("r", "", written(tmp_path, f'{{"via":"kafka","lane":"high","expect":["dead undecodable"],{field}}}'))
    assert line.body is None
    assert line.bytes == value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "line 2"),
        ('{"via":"post","expect":[]}', "via"),
        ('{"via":"kafka","lane":"low","expect":[]}', "exactly one"),
        ('{"via":"kafka","lane":"low","expect":[],"text":"a","null":true}', "exactly one"),
        ('{"via":"kafka","expect":[],"notification":{}}', "needs a lane"),
        ('{"via":"http","expect":[],"text":"a"}', "only notifications"),
        ('{"via":"kafka","expect":[],"again":2}', "earlier line"),
        ('{"via":"kafka","expect":[],"again":0}', "earlier line"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SampleBroken, match=words):
        load("r", "", written(tmp_path, GOOD, line))
