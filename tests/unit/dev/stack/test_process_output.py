import asyncio
import io

import pytest

from dev.stack.process_output import MAX_LINE_BYTES, build_prefixed_sink, forward_lines


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_line_stands_behind_the_name_of_its_process() -> None:
    stream = io.StringIO()
    say = build_prefixed_sink(stream, width=6)
    say("kafka", "one")
    say("valkey", "two")
    assert stream.getvalue() == "kafka  | one\nvalkey | two\n"


def test_on_a_terminal_each_process_keeps_its_colour() -> None:
    stream = FakeTerminal()
    say = build_prefixed_sink(stream, width=1)
    for name in "aba":
        say(name, "x")
    first, second, third = stream.getvalue().splitlines()
    assert first == third == "\x1b[36ma | \x1b[0mx"
    assert second == "\x1b[33mb | \x1b[0mx"


def test_without_a_stream_lines_go_to_what_standard_output_is_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    say = build_prefixed_sink(width=1)
    instead = io.StringIO()
    monkeypatch.setattr("sys.stdout", instead)
    say("a", "x")
    assert instead.getvalue() == "a | x\n"


def test_a_reader_that_has_gone_is_no_error() -> None:
    stream = io.StringIO()
    say = build_prefixed_sink(stream)
    stream.close()
    say("kafka", "nobody hears this")


async def test_relay_says_every_line_and_leaves_out_those_that_are_too_long() -> None:
    said: list[tuple[str, str]] = []
    stream = asyncio.StreamReader(limit=64)
    stream.feed_data(b"first \n" + b"x" * 1000 + b"\nsecond \xff\nno end")
    stream.feed_eof()
    await forward_lines("worker", stream, lambda name, line: said.append((name, line)))
    assert said == [("worker", "first"), ("worker", "second \ufffd"), ("worker", "no end")]
    assert MAX_LINE_BYTES == 1024 * 1024
