"""The file format of the sample: one submission and its expected result per line (docs/samples/README.md)."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.enums import Priority, State

SAMPLE_FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "samples" / "shop.jsonl"
RUN_ID_PLACEHOLDER, SIMULATORS_PLACEHOLDER, QUIET_USER_PLACEHOLDER = "{run}", "{simulators}", "{quiet_user}"


class RepeatedText(Struct, frozen=True):
    """Adds `text`, repeated `times` times, as a field of `data`: a long value in a short line."""

    field: str
    text: str
    times: int


class SampleLine(Struct, frozen=True, omit_defaults=True):
    """One submission; exactly one of notification, text, base64, null and replay_of is its value.

    `expected` starts with the result of the submission (`routed`, `rejected expired`, `dead invalid`, `unprocessable unknown_type`,
    `replayed`); the statuses of its deliveries follow (`SENT`, `FAILED retries_exhausted`). With `send_after`, `send_at` is so many
    seconds after the submission. With `cancel` it is cancelled over HTTP as soon as its decision is recorded. What `escalates` has the
    deliveries of further channels later.
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
    send_after: float = 0.0
    cancel: bool = False
    escalates: bool = False
    id_source: Literal["generated", "none", "custom"] = "generated"
    key: str = ""
    partition: Literal["", "other", "murmur2"] = ""
    headers: dict[str, str] = {}

    @property
    def expanded_notification(self) -> dict[str, Any] | None:
        """The notification with its repeated text, without a generated id."""
        if self.notification is None or self.repeat is None:
            return self.notification
        data = {**self.notification.get("data", {}), self.repeat.field: self.repeat.text * self.repeat.times}
        return {**self.notification, "data": data}

    @property
    def expects_hold(self) -> bool:
        """Whether the notification is expected to be held longer than the run lasts."""
        return self.expected[0].startswith(State.HELD)

    @property
    def raw_value(self) -> bytes | None:
        """The value of a line without a notification; None for a null value."""
        if self.base64 is not None:
            return b64decode(self.base64)
        return None if self.text is None else self.text.encode()


class SampleFileError(Exception):
    """A line of the sample file is invalid: the message has its number and the problem."""


_decode_line = msgspec.json.Decoder(SampleLine).decode


def load_sample(run_id: str, simulators_url: str, quiet_user: str, file: Path = SAMPLE_FILE) -> list[SampleLine]:
    """Load the lines for one run.

    `{run}` is replaced by `run_id`, so that keys and guest users are unique to the run, `{simulators}` by `simulators_url`, and
    `{quiet_user}` by a user who has quiet hours now. Raises SampleFileError.
    """
    texts = {RUN_ID_PLACEHOLDER: run_id, SIMULATORS_PLACEHOLDER: simulators_url, QUIET_USER_PLACEHOLDER: quiet_user}
    lines: list[SampleLine] = []
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            for placeholder, value in texts.items():
                text = text.replace(placeholder, value)
            line = _decode_line(text)
            _validate_line(line, lines)
        except (msgspec.DecodeError, ValueError) as error:
            raise SampleFileError(f"{file}, line {number}: {error}") from None
        lines.append(line)
    return lines


def _validate_line(line: SampleLine, preceding_lines: Sequence[SampleLine]) -> None:
    """Raises ValueError."""
    has_value = [line.notification is not None, line.text is not None, line.base64 is not None, line.null, line.replay_of is not None]
    if sum(has_value) != 1:
        raise ValueError("exactly one of notification, text, base64, null and replay_of is required")
    if line.replay_of is not None and not _is_notification(line.replay_of, preceding_lines):
        raise ValueError("replay_of must be the number of an earlier line with a notification and without send_after")
    if line.via == "http" and line.notification is None and line.replay_of is None:
        raise ValueError("only notifications can be submitted over HTTP")
    if (line.send_after or line.cancel) and line.notification is None:
        raise ValueError("send_after and cancel require a notification")
    if line.via == "kafka" and line.priority is None and line.replay_of is None:
        raise ValueError("a line for Kafka requires a priority")


def _is_notification(number: int, lines: Sequence[SampleLine]) -> bool:
    return 1 <= number <= len(lines) and lines[number - 1].notification is not None and not lines[number - 1].send_after
