"""Templates in a file, as `herold policy` and `herold templates` read and print them; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas.canonical_json import encode_sorted
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.policy import Partial, Template, TemplateDetails

Locale = Annotated[str, Meta(min_length=1, max_length=35)]
SampleName = Annotated[str, Meta(min_length=1, max_length=128)]


class TemplateEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The parts of a template for one channel and locale."""

    subject: str = ""
    text: str = ""
    html: str = ""


class PartialEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A partial in one locale: `html` for the HTML of an e-mail, `text` for all other parts."""

    text: str = ""
    html: str = ""


class TemplateDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template: by channel and locale its parts, and what holds for all of them.

    `variables` is the JSON Schema of the data. `language` is that of the locale `default`. `samples` are data by name, for previews.
    """

    variables: dict[str, Any] | None = None
    language: Locale = "en"
    samples: Annotated[dict[SampleName, dict[str, Any]], Meta(max_length=50)] = {}
    email: dict[Locale, TemplateEntry] = {}
    sms: dict[Locale, TemplateEntry] = {}
    push: dict[Locale, TemplateEntry] = {}
    webhook: dict[Locale, TemplateEntry] = {}


def get_entries(document: TemplateDocument, channel: ChannelName) -> Mapping[str, TemplateEntry]:
    """The parts by locale for a channel."""
    entries: Mapping[str, TemplateEntry] = getattr(document, channel)
    return entries


def build_templates(name: str, version: int, document: TemplateDocument) -> tuple[Template, ...]:
    """The templates of a document."""
    return tuple(
        Template(name, version, channel, locale, entry.subject, entry.text, entry.html)
        for channel in CHANNEL_NAMES
        for locale, entry in get_entries(document, channel).items()
    )


def build_details(name: str, version: int, document: TemplateDocument) -> TemplateDetails:
    """The details of a document."""
    variables = "" if document.variables is None else encode_sorted(document.variables).decode()
    samples = encode_sorted(document.samples).decode() if document.samples else ""
    return TemplateDetails(name, version, variables, document.language, samples)


def build_template_document(templates: Iterable[Template], details: TemplateDetails | None) -> TemplateDocument:
    """The document that gives these templates, all of one name."""
    channels: dict[str, dict[str, TemplateEntry]] = {}
    for template in sorted(templates, key=lambda one: (one.channel, one.locale)):
        entry = TemplateEntry(template.subject, template.text, template.html)
        channels.setdefault(template.channel, {})[template.locale or "default"] = entry
    if details is None:
        return TemplateDocument(**channels)  # type: ignore[arg-type]
    variables = msgspec.json.decode(details.variables) if details.variables else None
    return TemplateDocument(variables=variables, language=details.language, samples=decode_samples(details), **channels)


def decode_samples(details: TemplateDetails) -> dict[str, dict[str, Any]]:
    """The samples by name."""
    samples: dict[str, dict[str, Any]] = msgspec.json.decode(details.samples) if details.samples else {}
    return samples


def build_partials(documents: Mapping[str, Mapping[str, PartialEntry]]) -> Iterator[Partial]:
    """The partials of a document, by name and locale."""
    for name, locales in documents.items():
        for locale, entry in locales.items():
            yield Partial(name, locale, entry.text, entry.html)


def build_partial_documents(partials: Iterable[Partial]) -> dict[str, dict[str, PartialEntry]]:
    """The document that gives these partials."""
    documents: dict[str, dict[str, PartialEntry]] = {}
    for partial in sorted(partials, key=lambda one: (one.name, one.locale)):
        documents.setdefault(partial.name, {})[partial.locale] = PartialEntry(partial.text, partial.html)
    return documents


def find_empty(templates: Mapping[str, TemplateDocument]) -> Iterator[str]:
    """The templates without any channel."""
    for name, document in templates.items():
        if not any(get_entries(document, channel) for channel in CHANNEL_NAMES):
            yield f"templates.{name}: it has no channel: give it the parts for one of {', '.join(CHANNEL_NAMES)}"
