"""What an operator decides: rules per type, templates, rate limits, and what is known of a user; rows of PostgreSQL as values."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.enums import Channel, Priority


class Rule(Struct, frozen=True):
    """How notifications of a type are routed; `strategy` takes all usable channels or the first."""

    type: str
    category: str
    priority: Priority
    channels: tuple[Channel, ...]
    strategy: Literal["all", "first"] = "all"
    template: str = ""
    mandatory: bool = False
    version: int = 1


class Template(Struct, frozen=True):
    """One published version of a template for a channel and locale; `subject` is also the title of a push."""

    name: str
    version: int
    channel: Channel
    locale: str
    subject: str = ""
    text: str = ""
    html: str = ""


MAX_WINDOW_SECONDS = 7 * 24 * 3600  # seconds; so long the rows live in which a window is counted


class RateLimit(Struct, frozen=True):
    """At most `most` admitted notifications per user and channel in any `seconds`, which are LONGEST_WINDOW at most."""

    channel: Channel
    max_count: int
    window_seconds: int


class Profile(Struct, frozen=True, omit_defaults=True):
    """What Herold knows of a user: addresses per channel (several devices for push), locale and time zone."""

    user_id: str
    known: bool = True
    addresses: dict[Channel, list[str]] = {}
    locale: str = ""
    time_zone: str = ""
    version: int = 0


class Policy(Struct, frozen=True):
    """All rules, templates and limits of one moment: what the router decides by."""

    rules: Mapping[str, Rule]
    templates: tuple[Template, ...]
    rate_limits: tuple[RateLimit, ...]
    version: int = 0
