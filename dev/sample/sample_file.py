"""The sample file: a line is one submission and what is expected to become of it; docs/samples/README.md describes the format."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.enums import Priority

SAMPLE_FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "samples" / "shop.jsonl"
RUN_ID_PLACEHOLDER, SIMULATORS_PLACEHOLDER = "{run}", "{simulators}"


class RepeatedText(Struct, frozen=True):
    """Makes a field of `data` long without making the file long."""

    field: str
    text: str
    times: int


class SampleLine(Struct, frozen=True, omit_defaults=True):
    """One submission. Exactly one of notification, text, base64, null and replay_of says what is sent.

    `expected` begins with what becomes of the submission (`routed`, `rejected expired`, `dead invalid`, `unprocessable unknown_type`,
    `replayed`) and goes on with the statuses of its deliveries (`SENT`, `FAILED retries_exhausted`).
    """

    via: Literal["kafka", "http"]
    expected: list[str]
    priority: Priority | None = None
    notification: dict[str, Any] | None = None
    text: str | None = None
    base64: str | None = None
    null: bool = False
    replay_of: int | None = None
    repeat: RepeatedText | None = None
    id_source: Literal["generated", "none", "custom"] = "generated"
    key: str = ""
    partition: Literal["", "other", "murmur2"] = ""
    headers: dict[str, str] = {}

    @property
    def expanded_notification(self) -> dict[str, Any] | None:
        """The notification with its long field, without an id of ours."""
        if self.notification is None or self.repeat is None:
            return self.notification
        data = {**self.notification.get("data", {}), self.repeat.field: self.repeat.text * self.repeat.times}
        return {**self.notification, "data": data}

    @property
    def raw_value(self) -> bytes | None:
        """The value of a line that is no notification; none for a null value."""
        if self.base64 is not None:
            return b64decode(self.base64)
        return None if self.text is None else self.text.encode()


class SampleFileError(Exception):
    """A line of the sample cannot be used: the message says which and why."""


_decode_line = msgspec.json.Decoder(SampleLine).decode


def load_sample(run_id: str, simulators_url: str, file: Path = SAMPLE_FILE) -> list[SampleLine]:
    """The lines for one run: `{run}` stands for its name, so that keys and guests are new each time, `{simulators}` for their URL.

    Raises SampleBroken.
    """
    lines: list[SampleLine] = []
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            line = _decode_line(text.replace(RUN_ID_PLACEHOLDER, run_id).replace(SIMULATORS_PLACEHOLDER, simulators_url))
        except msgspec.DecodeError as error:
            raise SampleFileError(f"{file.name} line {number}: {error}") from None
        lines.append(_validate_line(line, number, lines))
    return lines


def _validate_line(line: SampleLine, number: int, before: Sequence[SampleLine]) -> SampleLine:
    said = [line.notification is not None, line.text is not None, line.base64 is not None, line.null, line.replay_of is not None]
    if sum(said) != 1:
        raise SampleFileError(f"line {number}: say exactly one of notification, text, base64, null and replay_of")
    if line.replay_of is not None and not (1 <= line.replay_of < number and before[line.replay_of - 1].notification is not None):
        raise SampleFileError(f"line {number}: replay_of must name an earlier line with a notification")
    if line.via == "http" and line.notification is None and line.replay_of is None:
        raise SampleFileError(f"line {number}: only notifications go by HTTP")
    if line.via == "kafka" and line.priority is None and line.replay_of is None:
        raise SampleFileError(f"line {number}: a line for Kafka needs a priority")
    return line
