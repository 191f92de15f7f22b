"""The sample file: a line is one submission and what is expected to become of it; docs/samples/README.md describes the format."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.words import Lane

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "samples" / "shop.jsonl"
RUN, TWINS = "{run}", "{twins}"


class Repeat(Struct, frozen=True):
    """Makes a field of `data` long without making the file long."""

    field: str
    text: str
    times: int


class Line(Struct, frozen=True, omit_defaults=True):
    """One submission. Exactly one of notification, text, base64, null and again says what is sent.

    `expect` begins with what becomes of the submission (`routed`, `refused expired`, `dead invalid`, `rejected unknown_type`, `repeated`)
    and goes on with the statuses of its deliveries (`SENT`, `FAILED exhausted`).
    """

    via: Literal["kafka", "http"]
    expect: list[str]
    lane: Lane | None = None
    notification: dict[str, Any] | None = None
    text: str | None = None
    base64: str | None = None
    null: bool = False
    again: int | None = None
    repeat: Repeat | None = None
    id: Literal["ours", "none", "given"] = "ours"
    key: str = ""
    partition: Literal["", "other", "murmur2"] = ""
    headers: dict[str, str] = {}

    @property
    def body(self) -> dict[str, Any] | None:
        """The notification with its long field, without an id of ours."""
        if self.notification is None or self.repeat is None:
            return self.notification
        data = {**self.notification.get("data", {}), self.repeat.field: self.repeat.text * self.repeat.times}
        return {**self.notification, "data": data}

    @property
    def bytes(self) -> bytes | None:
        """The value of a line that is no notification; none for a null value."""
        if self.base64 is not None:
            return b64decode(self.base64)
        return None if self.text is None else self.text.encode()


class SampleBroken(Exception):
    """A line of the sample cannot be used: the message says which and why."""


_line = msgspec.json.Decoder(Line).decode


def load(run: str, twins: str, file: Path = FILE) -> list[Line]:
    """The lines for one run: `{run}` stands for its name, so that keys and guests are new each time, `{twins}` for the twins' URL.

    Raises SampleBroken.
    """
    lines: list[Line] = []
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            line = _line(text.replace(RUN, run).replace(TWINS, twins))
        except msgspec.DecodeError as error:
            raise SampleBroken(f"{file.name} line {number}: {error}") from None
        lines.append(_checked(line, number, lines))
    return lines


def _checked(line: Line, number: int, before: Sequence[Line]) -> Line:
    said = [line.notification is not None, line.text is not None, line.base64 is not None, line.null, line.again is not None]
    if sum(said) != 1:
        raise SampleBroken(f"line {number}: say exactly one of notification, text, base64, null and again")
    if line.again is not None and not (1 <= line.again < number and before[line.again - 1].notification is not None):
        raise SampleBroken(f"line {number}: again must name an earlier line with a notification")
    if line.via == "http" and line.notification is None and line.again is None:
        raise SampleBroken(f"line {number}: only notifications go by HTTP")
    if line.via == "kafka" and line.lane is None and line.again is None:
        raise SampleBroken(f"line {number}: a line for Kafka needs a lane")
    return line
