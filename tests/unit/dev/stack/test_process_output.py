import asyncio
import io

import pytest

from dev.stack.process_output import MAX_LINE_BYTES, build_prefixed_sink, forward_lines


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_line_begins_with_the_name_of_its_process() -> None:
    stream = io.StringIO()
    write_line = build_prefixed_sink(stream, width=6)
    write_line("kafka", "one")
    write_line("valkey", "two")
    assert stream.getvalue() == "kafka  | one\nvalkey | two\n"


def test_on_a_terminal_each_process_keeps_its_colour() -> None:
    stream = FakeTerminal()
    write_line = build_prefixed_sink(stream, width=1)
    for name in "aba":
        write_line(name, "x")
    first, second, third = stream.getvalue().splitlines()
    assert first == third == "\x1b[36ma | \x1b[0mx"
    assert second == "\x1b[33mb | \x1b[0mx"


def test_without_a_stream_lines_are_written_to_the_current_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    write_line = build_prefixed_sink(width=1)
    replacement = io.StringIO()
    monkeypatch.setattr("sys.stdout", replacement)
    write_line("a", "x")
    assert replacement.getvalue() == "a | x\n"


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    write_line = build_prefixed_sink(stream)
    stream.close()
    write_line("kafka", "not written")


async def test_every_line_is_logged_except_those_that_are_too_long() -> None:
    entries: list[tuple[str, str]] = []
    stream = asyncio.StreamReader(limit=64)
    stream.feed_data(b"first \n" + b"x" * 1000 + b"\nsecond \xff\nno end")
    stream.feed_eof()
    await forward_lines("worker", stream, lambda name, line: entries.append((name, line)))
    assert entries == [("worker", "first"), ("worker", "second \ufffd"), ("worker", "no end")]
    assert MAX_LINE_BYTES == 1024 * 1024
