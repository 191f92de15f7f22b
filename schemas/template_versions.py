"""The versions of templates: drafts, publications, and what a version would change; times in epoch seconds."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct

from schemas.channels import CHANNEL_NAMES, ChannelName, get_channel
from schemas.sms_segments import SmsSegments
from schemas.template_document import CONTROL, TemplateDocument, TemplateEntry, get_entries, get_part
from schemas.template_payloads import PayloadReport


class TemplateSummary(Struct, frozen=True):
    """A template in a list: its channels and locales are those of the published version, 0 if none is published yet."""

    name: str
    published_version: int
    latest_version: int
    channels: list[ChannelName]
    locales: list[str]
    updated_at: float


class TemplateVersion(Struct, frozen=True):
    """A version of a template; a version never changes."""

    name: str
    version: int
    published_version: int
    document: TemplateDocument
    actor: str
    comment: str
    created_at: float | None


class VersionSummary(Struct, frozen=True):
    """A version in the history of a template; `created_at` is null for one that is older than the history."""

    version: int
    actor: str
    comment: str
    created_at: float | None


class Publication(Struct, frozen=True):
    """A version that was made the one in force; it is rolled back to if it was in force before."""

    number: int
    version: int
    change: Literal["published", "rolled_back"]
    actor: str
    comment: str
    occurred_at: float


class TemplateHistory(Struct, frozen=True):
    """All versions and publications of a template, newest first."""

    name: str
    published_version: int
    versions: list[VersionSummary]
    publications: list[Publication]


class ContentPreview(Struct, frozen=True, omit_defaults=True):
    """What a template renders to on one channel: the content with its size in bytes, or the problem and its reason.

    `variant` is empty if the template has none.
    """

    channel: ChannelName
    locale: str
    content: dict[str, Any] | None = None
    size: int = 0
    sms: SmsSegments | None = None
    reason: str = ""
    problem: str = ""
    variant: str = ""

    @property
    def place(self) -> tuple[ChannelName, str, str]:
        """What makes it comparable: a template without variants is the control of the version that has some."""
        return self.channel, self.locale, "" if self.variant == CONTROL else self.variant


class LocaleGap(Struct, frozen=True, omit_defaults=True):
    """A locale that a channel does not have, or has without some parts; `uses` is the locale whose text its users get, empty for none."""

    channel: ChannelName
    locale: str
    uses: str = ""
    missing_parts: list[str] = []


class SizeChange(Struct, frozen=True):
    """How the size of a sample changes, in bytes and SMS segments; 0 before for what is new."""

    channel: ChannelName
    locale: str
    sample: str
    size_before: int
    size_after: int
    segments_before: int = 0
    segments_after: int = 0
    variant: str = ""


class VersionReport(Struct, frozen=True):
    """What publishing a version would do: it is refused if there are problems, or new failures of recorded payloads."""

    name: str
    version: int
    previous_version: int
    problems: list[str]
    changes: list[SizeChange]
    gaps: list[LocaleGap]
    payloads: PayloadReport | None = None


def find_gaps(document: TemplateDocument, locales: Iterable[str] = ()) -> Iterator[LocaleGap]:
    """The gaps of a template in its own locales and in these."""
    channels = {channel: get_entries(document, channel) for channel in CHANNEL_NAMES if get_entries(document, channel)}
    wanted = {locale for entries in channels.values() for locale in entries} | {*locales, "default"}
    for channel, entries in channels.items():
        for locale in sorted(wanted):
            entry = entries.get(locale)
            general = next((candidate for candidate in _list_more_general(locale) if candidate in entries), "")
            if entry is None:
                yield LocaleGap(channel, locale, general)
            elif general and (missing := _list_missing(channel, entry, entries[general])):
                yield LocaleGap(channel, locale, locale, missing)


def _list_more_general(locale: str) -> list[str]:
    parts = locale.split("-") if locale != "default" else []
    return ["-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)] + (["default"] if parts else [])


def _list_missing(channel: ChannelName, entry: TemplateEntry, general: TemplateEntry) -> list[str]:
    """The parts that the more general locale has and this one has not."""
    parts = get_channel(channel).parts
    return [part for part in parts if get_part(channel, general, part) and not get_part(channel, entry, part)]
