"""The texts of an HTTP API's file: `{variables}` of a call and `${secrets}`, compiled once; nothing of them is run."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from schemas.content import PushContent, SmsContent
from schemas.delivery import Delivery


class Call(NamedTuple):
    """What variables are about: a delivery with its content, the number of the attempt and the time (epoch seconds)."""

    delivery: Delivery
    content: Any
    attempt: int
    now: float


Build = Callable[[Call], Any]
"""Builds a value of a call."""

_OF_BOTH: Final[Mapping[str, Build]] = {
    "address": lambda call: call.delivery.address,
    "delivery_id": lambda call: call.delivery.id,
    "notification_id": lambda call: call.delivery.notification_id,
    "attempt": lambda call: call.attempt,
    "expires_in": lambda call: max(1, int(call.delivery.expires_at - call.now)),
}
_OF_SMS: Final[Mapping[str, Build]] = {"text": lambda call: call.content.text}
_OF_PUSH: Final[Mapping[str, Build]] = {
    "title": lambda call: call.content.title,
    "body": lambda call: call.content.body,
    "image": lambda call: call.content.image,
    "link": lambda call: call.content.link,
    "data": lambda call: call.content.data,
    "collapse_key": lambda call: _get_collapse_key(call),
}
VARIABLES: Final[Mapping[Literal["sms", "push"], Mapping[str, Build]]] = {"sms": {**_OF_BOTH, **_OF_SMS}, "push": {**_OF_BOTH, **_OF_PUSH}}
"""The variables of each channel. `data` is an object, `attempt` and `expires_in` (seconds) are numbers, the others are texts."""

HEADER_VARIABLES: Final = {name: _OF_BOTH[name] for name in ("delivery_id", "notification_id", "attempt")}
"""The variables of headers: no value of them can contain a line break."""

CONTENTS: Final[Mapping[Literal["sms", "push"], type[SmsContent] | type[PushContent]]] = {"sms": SmsContent, "push": PushContent}
MAX_SECRET_BYTES: Final = 16 * 1024

_find_tokens = re.compile(r"\$\{([^{}]*)\}|\{\{|\}\}|\{([^{}]*)\}|[{}]").finditer
_OPTIONAL: Final = "?"


class InvalidText(ValueError):
    """A text cannot be compiled; says why."""


class Text(NamedTuple):
    """A compiled text: constant pieces and variables. One that `is_optional` is left out where its value is empty."""

    pieces: tuple[str | Build, ...]
    is_optional: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether it is the same in each call."""
        return all(isinstance(piece, str) for piece in self.pieces)

    def build(self, call: Call) -> Any:
        """The value for a call: of a variable alone, the value itself; else a text."""
        if len(self.pieces) == 1:
            piece = self.pieces[0]
            return piece if isinstance(piece, str) else piece(call)
        return "".join([piece if isinstance(piece, str) else str(piece(call)) for piece in self.pieces])


def compile_text(text: str, variables: Mapping[str, Build], secret: str) -> Text:
    """The text with `{name}` of these variables, `{name?}` alone for one that may be left out, `${secret}` and `${file:/path}`.

    `{{` and `}}` stand for braces. Raises InvalidText, which repeats no secret.
    """
    pieces: list[str | Build] = []
    position, is_optional = 0, False
    for match in _find_tokens(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        if match[1] is not None:
            pieces.append(_read_secret(match[1], secret))
        elif match[2] is not None:
            is_optional = match[2].endswith(_OPTIONAL)
            if is_optional and match[0] != text:
                raise InvalidText(f"{match[0]} must be the whole text, because it is left out where it is empty")
            pieces.append(_get_variable(match[2].removesuffix(_OPTIONAL), variables, match[0] == text))
        elif len(match[0]) == 1:
            raise InvalidText(f"there is a single {match[0]}: write {match[0] * 2} for the character itself")
        else:
            pieces.append(match[0][0])
    pieces.append(text[position:])
    return Text(_join_constants(pieces), is_optional)


def compile_value(value: Any, variables: Mapping[str, Build], secret: str, place: str) -> Build | None:
    """What builds a value of JSON, with its texts compiled; None for one that is constant. Raises InvalidText with the place."""
    if isinstance(value, str):
        text = compile_at(value, variables, secret, place)
        return None if text.pieces == (value,) else text.build
    if isinstance(value, dict):
        return _compile_object(value, variables, secret, place)
    if isinstance(value, list):
        builders = [compile_value(one, variables, secret, f"{place}[{index}]") for index, one in enumerate(value)]
        if not any(builders):
            return None
        return lambda call: [build(call) if build else one for build, one in zip(builders, value, strict=True)]
    return None


def _compile_object(value: dict[Any, Any], variables: Mapping[str, Build], secret: str, place: str) -> Build | None:
    builders = {key: build for key, one in value.items() if (build := compile_value(one, variables, secret, f"{place}.{key}")) is not None}
    optional = [key for key, one in value.items() if isinstance(one, str) and one.endswith(_OPTIONAL + "}") and key in builders]
    if not builders:
        return None

    def build_object(call: Call) -> dict[Any, Any]:
        built = {**value, **{key: build(call) for key, build in builders.items()}}
        for key in optional:
            if not built[key]:
                del built[key]
        return built

    return build_object


def compile_at(text: str, variables: Mapping[str, Build], secret: str, place: str) -> Text:
    """The compiled text. Raises InvalidText with its place in the file."""
    try:
        return compile_text(text, variables, secret)
    except InvalidText as error:
        raise InvalidText(f"{place}: {error}") from None


def _get_variable(name: str, variables: Mapping[str, Build], is_alone: bool) -> Build:
    if name not in variables:
        raise InvalidText(f"there is no variable {{{name}}} here; there are {', '.join(sorted(variables))}")
    if name == "data" and not is_alone:
        raise InvalidText("{data} is an object, so it must be the whole text")
    return variables[name]


def _read_secret(reference: str, secret: str) -> str:
    kind, _, path = reference.partition(":")
    if kind == "secret" and not path:
        if not secret:
            raise InvalidText("the setting secret is empty")
        return secret
    if kind != "file" or not path:
        raise InvalidText(f"${{{reference}}} is neither ${{secret}} nor ${{file:/path}}")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidText(f"the file {path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_SECRET_BYTES:
        raise InvalidText(f"the file {path} has more than {MAX_SECRET_BYTES} bytes")
    return content.decode("utf-8", "replace").strip()


def _get_collapse_key(call: Call) -> str:
    options = call.content.options
    return (options.collapse_key if options else "") or call.delivery.notification_id


def _join_constants(pieces: list[str | Build]) -> tuple[str | Build, ...]:
    """The pieces without empty ones, with neighbouring constants as one."""
    joined: list[str | Build] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return tuple(joined) or ("",)
