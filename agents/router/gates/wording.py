"""The words of the gates: sentences about one decision for people, filled with its inputs and times; pure.

A gate brings its own words (`Gate.reasons`, `Gate.remedies`, `Gate.describe`). The router never reads them: `explain` does, later.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any

from msgspec import Struct

from schemas.channels import CHANNELS
from schemas.events import DecidedEvent
from schemas.local_time import format_local_time

NOT_RECORDED = "(not recorded)"
TIME_NAMES = frozenset({"at", "now", "until"})  # inputs that are epoch seconds, beside those whose names end with _at

_CHANNEL_WORDS = {channel.name: channel.word for channel in CHANNELS}


class Facts(Struct, frozen=True):
    """What a sentence may name: the decided event, the inputs of the gate's entry, and the user's time zone ("" for UTC)."""

    event: DecidedEvent
    inputs: Mapping[str, Any] = {}
    time_zone: str = ""

    def format_time(self, at: float | None) -> str:
        """Epoch seconds in the user's zone, with UTC."""
        return NOT_RECORDED if at is None else format_local_time(at, self.time_zone)


Sentence = str | Callable[[Facts], str]
"""A text with fields in braces, or a function that writes it.

A field is an input of the gate's entry or a field of the decided event: `{type!r}`, `{until:time}` (epoch seconds or ISO 8601, shown in
the user's zone), `{window_seconds:seconds}`, `{channels:list}`, `{channel:word}`. One that was not recorded is shown as that.
"""


def write_sentence(sentence: Sentence, facts: Facts) -> str:
    """The sentence about these facts."""
    return sentence(facts) if callable(sentence) else _SentenceFormatter(facts).format(sentence)


def describe_inputs(facts: Facts) -> str:
    """The inputs of an entry as words, for a gate that does not describe them itself."""
    return "; ".join(f"{_split_name(name)}: {_describe_value(facts, name, value)}" for name, value in facts.inputs.items())


def format_seconds(seconds: float) -> str:
    """A duration: `3,600 s`."""
    return f"{seconds:,.0f} s"


def get_channel_word(channel: str) -> str:
    """The word for a channel in a sentence: `e-mail`."""
    return _CHANNEL_WORDS.get(channel, channel)  # type: ignore[call-overload, no-any-return]  # a later release may have others


def join_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence: `e-mail, SMS and push`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


class _SentenceFormatter(Formatter):
    """Fills the fields of a sentence; a field that is missing does not fail, because an older release may have written the log."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        if field_name in self._facts.inputs:
            return self._facts.inputs[field_name], field_name
        return getattr(self._facts.event, field_name, None), field_name

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return value if value is None else super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None or value == "":
            return NOT_RECORDED
        match format_spec:
            case "time":
                return self._facts.format_time(to_epoch_seconds(value))
            case "seconds":
                return format_seconds(value)
            case "list":
                return join_words([get_channel_word(str(item)) for item in value])
            case "word":
                return get_channel_word(value)
        return str(super().format_field(value, format_spec))


def to_epoch_seconds(value: float | str) -> float:
    """Epoch seconds of an input that is a time: a number, or ISO 8601 text with a zone."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)


def _describe_value(facts: Facts, name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_split_name(key)} {_describe_value(facts, key, item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return join_words([_describe_value(facts, name, item) for item in value])
    if isinstance(value, int | float) and (name in TIME_NAMES or name.endswith("_at")):
        return facts.format_time(value)
    return get_channel_word(value) if isinstance(value, str) else str(value)


def _split_name(name: str) -> str:
    return get_channel_word(name).replace("_", " ")
