"""Templates in a file, as `herold policy` and `herold templates` read and print them; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas.canonical_json import encode_sorted
from schemas.channels import CHANNEL_NAMES, ChannelName, get_channel
from schemas.email_options import EmailOptions, decode_options, encode_options
from schemas.policy import Partial, Template, TemplateDetails
from schemas.push_options import PushOptionsEntry, decode_entry, encode_entry

Locale = Annotated[str, Meta(min_length=1, max_length=35)]
SampleName = Annotated[str, Meta(min_length=1, max_length=128)]
VARIANT_PATTERN = "^[a-z0-9][a-z0-9._-]*$"
VariantName = Annotated[str, Meta(max_length=64, pattern=VARIANT_PATTERN)]
MAX_VARIANTS = 20
CONTROL = "control"
TEMPLATE_ID = "template_id"
OPTIONS = "options"

_PUSH_NAMES = {"subject": "title", "text": "body"}
_PUSH_PARTS = {name: part for part, name in _PUSH_NAMES.items()}
_TEMPLATE_ID = re.compile("d-[0-9a-f]{32}").fullmatch


class TemplateEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The parts of a template for one channel and locale; `title` and `body` of a push message are also called `subject` and `text`.

    `options` are those of a push message.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    title: str = ""
    body: str = ""
    image: str = ""
    link: str = ""
    template_id: str = ""
    options: PushOptionsEntry | None = None


class PartialEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A partial in one locale: `html` for the HTML of an e-mail, `text` for all other parts."""

    text: str = ""
    html: str = ""


class VariantEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a variant has in the place of the template's own parts, and the percentage of users who get it."""

    weight: Annotated[int, Meta(ge=0, le=100)]
    email: dict[Locale, TemplateEntry] = {}
    sms: dict[Locale, TemplateEntry] = {}
    push: dict[Locale, TemplateEntry] = {}
    webhook: dict[Locale, TemplateEntry] = {}


class TemplateDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template: by channel and locale its parts, and what holds for all of them.

    `variables` is the JSON Schema of the data. `language` is that of the locale `default`. `samples` are data by name, for previews.
    `variants` take the place of the template for some of the users; `experiment` names their comparison, by default as the template.
    `at_most_once`: a message that may have reached the provider is not sent again, and ends as failed unless it is found there.
    """

    variables: dict[str, Any] | None = None
    language: Locale = "en"
    samples: Annotated[dict[SampleName, dict[str, Any]], Meta(max_length=50)] = {}
    email: dict[Locale, TemplateEntry] = {}
    sms: dict[Locale, TemplateEntry] = {}
    push: dict[Locale, TemplateEntry] = {}
    webhook: dict[Locale, TemplateEntry] = {}
    experiment: Annotated[str, Meta(max_length=128)] = ""
    variants: Annotated[dict[VariantName, VariantEntry], Meta(max_length=MAX_VARIANTS)] = {}
    at_most_once: bool = False
    email_options: EmailOptions | None = None


_decode_variants = msgspec.json.Decoder(dict[str, VariantEntry]).decode


def get_entries(document: TemplateDocument, channel: ChannelName) -> Mapping[str, TemplateEntry]:
    """The parts by locale for a channel."""
    entries: Mapping[str, TemplateEntry] = getattr(document, channel)
    return entries


def build_templates(name: str, version: int, document: TemplateDocument) -> tuple[Template, ...]:
    """The templates of a document."""
    return tuple(
        Template(name, version, channel, locale, **{part: get_part(channel, entry, part) for part in get_channel(channel).parts})
        for channel in CHANNEL_NAMES
        for locale, entry in get_entries(document, channel).items()
    )


def build_details(name: str, version: int, document: TemplateDocument) -> TemplateDetails:
    """The details of a document."""
    variables = "" if document.variables is None else encode_sorted(document.variables).decode()
    samples = encode_sorted(document.samples).decode() if document.samples else ""
    experiment = (document.experiment or name) if document.variants else ""
    variants = encode_sorted(document.variants).decode() if document.variants else ""
    return TemplateDetails(
        name,
        version,
        variables,
        document.language,
        samples,
        experiment,
        variants,
        document.at_most_once,
        encode_options(document.email_options),
    )


def build_template_document(templates: Iterable[Template], details: TemplateDetails | None) -> TemplateDocument:
    """The document that gives these templates, all of one name."""
    channels: dict[str, dict[str, TemplateEntry]] = {}
    for template in sorted(templates, key=lambda one: (one.channel, one.locale)):
        parts = {part: getattr(template, part) for part in get_channel(template.channel).parts}
        options = decode_entry(parts.pop(OPTIONS, ""))
        names = _PUSH_NAMES if template.channel == "push" else {}
        entry = TemplateEntry(**{names.get(part, part): text for part, text in parts.items()}, options=options)
        channels.setdefault(template.channel, {})[template.locale or "default"] = entry
    if details is None:
        return TemplateDocument(**channels)  # type: ignore[arg-type]
    variables = msgspec.json.decode(details.variables) if details.variables else None
    return TemplateDocument(
        variables=variables,
        language=details.language,
        samples=decode_samples(details),
        experiment="" if details.experiment == details.name else details.experiment,
        variants=_decode_variants(details.variants) if details.variants else {},
        at_most_once=details.at_most_once,
        email_options=decode_options(details.email_options),
        **channels,
    )


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


def find_part_problems(templates: Mapping[str, TemplateDocument]) -> Iterator[str]:
    """The templates without any channel, and parts that a channel does not have or that contradict each other."""
    for name, document in templates.items():
        if not any(get_entries(document, channel) for channel in CHANNEL_NAMES):
            yield f"templates.{name}: it has no channel: give it the parts for one of {', '.join(CHANNEL_NAMES)}"
        for channel in CHANNEL_NAMES:
            for locale, entry in get_entries(document, channel).items():
                yield from (f"templates.{name}.{channel}.{locale}: {problem}" for problem in find_entry_problems(channel, entry))


def find_entry_problems(channel: ChannelName, entry: TemplateEntry) -> Iterator[str]:
    """The parts that a channel does not have or that contradict each other."""
    given, parts = {part for part in TemplateEntry.__struct_fields__ if getattr(entry, part)}, get_channel(channel).parts
    if channel == "push":
        yield from (f"{name} and {part} are the same part" for part, name in _PUSH_NAMES.items() if {part, name} <= given)
        given = {_PUSH_PARTS.get(part, part) for part in given}
    for part in sorted(given - set(parts)):
        yield f"there is no part {part} on this channel; it has {', '.join(parts)}"
    if entry.template_id and given != {"template_id"}:
        yield "a template_id takes the place of all other parts"
    if entry.template_id and not _TEMPLATE_ID(entry.template_id):
        yield "a template_id is d- and 32 hexadecimal digits, as SendGrid shows it"


def get_part(channel: ChannelName, entry: TemplateEntry, part: str) -> str:
    """The source of a part, by the name of its field of Template."""
    if part == OPTIONS:
        return encode_entry(entry.options)
    source: str = getattr(entry, part)
    if channel == "push" and not source and part in _PUSH_NAMES:
        source = getattr(entry, _PUSH_NAMES[part])
    return source
