"""A/B variants of templates: which one a user gets, and what its templates are; pure."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from schemas.channels import CHANNEL_NAMES, ChannelName, get_channel
from schemas.enums import Status
from schemas.policy import Policy, Template, TemplateDetails
from schemas.template_document import (
    CONTROL,
    TEMPLATE_ID,
    TemplateDocument,
    VariantEntry,
    find_entry_problems,
    get_entries,
    get_part,
)

ALL_USERS = 100  # percent

_decode_variants = msgspec.json.Decoder(dict[str, VariantEntry]).decode


class VariantTemplate(Template, frozen=True):
    """A template for one channel and locale with the parts of a variant in the place of its own."""

    variant: str = ""


class Experiment(Struct, frozen=True):
    """The variants of a template in the order of their names, each with its percentage of users.

    The rest has the control, the template itself.
    """

    name: str
    variants: Mapping[str, VariantEntry]

    def choose_variant(self, user_id: str) -> str:
        """The variant of a user: always the same while the experiment has its name and the variants have their weights."""
        digest = blake2b(f"{self.name}\0{user_id}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") % ALL_USERS
        for name, variant in self.variants.items():
            place -= variant.weight
            if place < 0:
                return name
        return CONTROL

    def list_weights(self) -> dict[str, int]:
        """The percentage of users by variant, the control first."""
        weights = {name: variant.weight for name, variant in self.variants.items()}
        return {CONTROL: ALL_USERS - sum(weights.values()), **weights}


class VariantCounts(Struct, frozen=True):
    """The deliveries of a variant by channel and status; `weight` is null if the published version does not have it."""

    variant: str
    weight: int | None
    deliveries: dict[ChannelName, dict[Status, int]]


class ExperimentCounts(Struct, frozen=True):
    """The deliveries of each variant that were submitted after `since` (epoch seconds); an empty experiment has no variants.

    A delivery counts from its first attempt on.
    """

    template: str
    experiment: str
    since: float
    variants: list[VariantCounts]


def build_counts(
    template: str, experiment: str, weights: Mapping[str, int], rows: Iterable[tuple[str, ChannelName, Status, int]], since: float
) -> ExperimentCounts:
    """The counts of an experiment; `rows` are variant, channel, status and number of deliveries."""
    deliveries: dict[str, dict[ChannelName, dict[Status, int]]] = {variant: {} for variant in weights}
    for variant, channel, status, count in rows:
        deliveries.setdefault(variant, {}).setdefault(channel, {})[status] = count
    variants = [VariantCounts(variant, weights.get(variant), counts) for variant, counts in deliveries.items()]
    return ExperimentCounts(template, experiment, since, variants)


def build_experiment(details: TemplateDetails) -> Experiment | None:
    """The experiment of a template; None if it has no variants."""
    return Experiment(details.experiment, dict(sorted(_decode_variants(details.variants).items()))) if details.variants else None


def build_variant_templates(experiment: Experiment, templates: Iterable[Template]) -> Iterator[VariantTemplate]:
    """The templates of each variant, of the templates of one name: those channels that the variant has parts for."""
    for template in templates:
        for name, variant in experiment.variants.items():
            entry = getattr(variant, template.channel).get(template.locale or "default")
            if entry is None:
                continue
            given = {part: text for part in get_channel(template.channel).parts if (text := get_part(template.channel, entry, part))}
            # a template at the provider takes the place of all parts
            own = {} if TEMPLATE_ID in given or template.template_id else msgspec.structs.asdict(template)
            place = {"name": template.name, "version": template.version, "channel": template.channel, "locale": template.locale}
            yield VariantTemplate(**{**own, **given, **place, "variant": name})


def list_templates(policy: Policy) -> list[Template]:
    """The templates of a policy, those of variants among them."""
    experiments = {one.name: experiment for one in policy.template_details if (experiment := build_experiment(one)) is not None}
    variants = (
        build_variant_templates(experiment, [template for template in policy.templates if template.name == name])
        for name, experiment in experiments.items()
    )
    return [*policy.templates, *itertools.chain.from_iterable(variants)]


def find_variant_problems(name: str, document: TemplateDocument) -> Iterator[str]:
    """What is wrong with the variants of a template: weights, names, and locales that differ from those of the template."""
    place = f"templates.{name}.variants"
    total = sum(variant.weight for variant in document.variants.values())
    if total > ALL_USERS:
        yield f"{place}: the weights add up to {total} percent of the users; {ALL_USERS} are all of them"
    if document.experiment and not document.variants:
        yield f"templates.{name}.experiment: there are no variants: give the template some, or leave the experiment out"
    for variant, entry in document.variants.items():
        if variant == CONTROL:
            yield f"{place}.{CONTROL}: this is the name of the template itself, which has the rest of the users"
        if not any(getattr(entry, channel) for channel in CHANNEL_NAMES):
            yield f"{place}.{variant}: it has no parts: give it those that differ from the template's"
        for channel in CHANNEL_NAMES:
            yield from (f"{place}.{variant}.{channel}{problem}" for problem in _find_channel_problems(document, entry, channel))


def _find_channel_problems(document: TemplateDocument, variant: VariantEntry, channel: ChannelName) -> Iterator[str]:
    entries, own = getattr(variant, channel), get_entries(document, channel)
    yield from (f".{locale}: the template itself has no {channel} in {locale}" for locale in entries if locale not in own)
    if entries and (missing := [locale for locale in own if locale not in entries]):
        # else the users of a locale would get the text of the control, and be counted as users of the variant
        yield f": it has no {' and no '.join(missing)}, as the template has"
    for locale, entry in entries.items():
        yield from (f".{locale}: {problem}" for problem in find_entry_problems(channel, entry))
