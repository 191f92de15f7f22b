"""The operator's policy: rules by notification type, templates and rate limits; each struct is a row of PostgreSQL."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Priority


class Rule(Struct, frozen=True):
    """How notifications of a type are routed; `strategy` selects all usable channels or the first one."""

    type: str
    category: str
    priority: Priority
    channels: tuple[ChannelName, ...]
    strategy: Literal["all", "first"] = "all"
    template: str = ""
    mandatory: bool = False
    version: int = 1


class Template(Struct, frozen=True):
    """The published version of a template for a channel and locale; `subject` is also the title of a push message."""

    name: str
    version: int
    channel: ChannelName
    locale: str
    subject: str = ""
    text: str = ""
    html: str = ""


class RateLimit(Struct, frozen=True):
    """At most `max_count` admitted notifications per user and channel in any `window_seconds` (at most lifetimes.MAX_RATE_WINDOW)."""

    channel: ChannelName
    max_count: int
    window_seconds: int


class Policy(Struct, frozen=True):
    """All rules, templates and rate limits at one moment."""

    rules: Mapping[str, Rule]
    templates: tuple[Template, ...]
    rate_limits: tuple[RateLimit, ...]
    version: int = 0
