"""The template cache: the template of a notification by channel and locale chain `de-AT -> de -> default`, compiled once."""

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError
from msgspec import Struct

from agents.router.templates.compiler import PartCompiler
from agents.router.templates.formats import FORMATS, select_formats
from agents.router.templates.locales import build_locale_chain, normalize_locale
from agents.router.templates.partials import PartialSources
from agents.router.templates.structured_part import compile_structure
from agents.router.templates.variables import Violation, compile_variables
from schemas.channels import ChannelName, get_channel
from schemas.content import Content, NoJsonObject, Part, Renderer, render_nothing
from schemas.email_options import decode_options
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.policy import Partial, Template, TemplateDetails
from schemas.push_options import InvalidPushOptions
from schemas.template_document import CONTROL
from schemas.template_variants import VariantTemplate, build_experiment, build_variant_templates

UNKNOWN_TEMPLATE = "unknown_template"
MISSING_VARIABLE = "missing_variable"
TEMPLATE_ERROR = "template_error"

MAX_SELECTED = 10_000  # producers choose locales, so their number has no bound


class TemplateFailure(Struct, frozen=True):
    """Why a template gives no content, or none that can be sent."""

    reason: str
    error: str


class CompiledTemplate(Struct, frozen=True):
    """A compiled template; `label` names it in the decision log.

    One that `uses_formats` renders by locale and time zone, and one that `uses_links` gets those of the message.
    """

    label: str
    render: Renderer
    locale: str = ""
    uses_formats: bool = False
    language: str = "en"
    uses_links: bool = False


def build_variant_key(name: str, variant: str) -> str:
    """The name under which the cache has a variant of a template."""
    return name if variant in ("", CONTROL) else f"{name}\0{variant}"


def get_template_name(key: str) -> str:
    """The name of the template of a key."""
    return key.partition("\0")[0]


CompiledTemplates = dict[Template, CompiledTemplate | TemplateFailure]


class TemplateCache:
    """The published templates of one policy. A template is compiled when it is first used, and kept until it changes."""

    def __init__(
        self,
        templates: Iterable[Template],
        previous: "TemplateCache | None" = None,
        details: Iterable[TemplateDetails] = (),
        partials: Iterable[Partial] = (),
    ) -> None:
        self._partials = tuple(partials)
        self._partial_sources = PartialSources(self._partials)
        self._details = {one.name: one for one in details}
        self.email_options = {name: decode_options(one.email_options) for name, one in self._details.items() if one.email_options}
        self.at_most_once = frozenset(name for name, one in self._details.items() if one.at_most_once)
        self._schemas = {name: one.variables for name, one in self._details.items() if one.variables}
        self._published: dict[tuple[str, ChannelName, str], Template] = {}
        for template in sorted(filter(_has_content, templates), key=lambda template: template.version):
            self._published[template.name, template.channel, normalize_locale(template.locale)] = template
        self.experiments = {name: found for name, one in self._details.items() if (found := build_experiment(one)) is not None}
        self._publish_variants()
        current = set(self._published.values())
        reused = previous.compiled if previous and previous._partials == self._partials else {}
        self.compiled: CompiledTemplates = {template: compiled for template, compiled in reused.items() if template in current}
        self._selected: dict[tuple[str, ChannelName, str], CompiledTemplate | TemplateFailure] = {}

    def get(self, name: str, channel: ChannelName, locale: str) -> CompiledTemplate | TemplateFailure:
        """The template for that locale or the nearest more general one."""
        key = name, channel, locale
        selected = self._selected.get(key)
        if selected is None:
            if len(self._selected) >= MAX_SELECTED:
                self._selected.clear()
            selected = self._selected[key] = self._select(name, channel, locale)
        return selected

    def choose_variant(self, name: str, user_id: str) -> tuple[str, str]:
        """The name to get a template by for a user, and its label: the experiment and the variant, empty without an experiment."""
        experiment = self.experiments.get(name)
        if experiment is None:
            return name, ""
        variant = experiment.choose_variant(user_id)
        return build_variant_key(name, variant), f"{experiment.name}/{variant}"

    def list_variants(self, name: str, channel: ChannelName) -> list[str]:
        """The variants of a template with parts of their own on a channel, the control first; an empty one without an experiment."""
        experiment = self.experiments.get(name)
        if experiment is None:
            return [""]
        return [CONTROL, *(variant for variant, entry in experiment.variants.items() if getattr(entry, channel))]

    def find_violation(self, name: str, data: Mapping[str, Any]) -> Violation | None:
        """How the data violates the declared variables of a template; None if it does not, or if the template declares none."""
        schema = self._schemas.get(name)
        return None if schema is None else compile_variables(schema).find_violation(data)

    def get_locales(self, name: str, channel: ChannelName) -> list[str]:
        """The locales in which the template is published for the channel."""
        return [locale for other, its_channel, locale in self._published if (other, its_channel) == (name, channel)]

    def _publish_variants(self) -> None:
        """Publish each variant as the template with its own parts; where it has none, it is the template itself."""
        for name, experiment in self.experiments.items():
            own = {place: template for place, template in self._published.items() if place[0] == name}
            replaced = {
                (one.variant, one.channel, normalize_locale(one.locale)): one for one in build_variant_templates(experiment, own.values())
            }
            for variant in experiment.variants:
                for (_, channel, locale), template in own.items():
                    published = replaced.get((variant, channel, locale), template)
                    self._published[build_variant_key(name, variant), channel, locale] = published

    def _select(self, name: str, channel: ChannelName, locale: str) -> CompiledTemplate | TemplateFailure:
        for candidate in build_locale_chain(locale):
            if template := self._published.get((name, channel, candidate)):
                if template not in self.compiled:
                    details = self._details.get(template.name)
                    self.compiled[template] = compile_template(template, details.language if details else "en", self._partial_sources)
                return self.compiled[template]
        return TemplateFailure(
            UNKNOWN_TEMPLATE,
            f"no template `{get_template_name(name)}` for {channel} in {' or '.join(filter(None, build_locale_chain(locale)))}",
        )


def _has_content(template: Template) -> bool:
    """Whether it is one to render; a webhook without a body sends the data as it is, as without any template."""
    return bool(template.body) or get_channel(template.channel).build_content is None


def compile_template(
    template: Template, language: str = "en", partials: PartialSources | None = None
) -> CompiledTemplate | TemplateFailure:
    """The template compiled, or why it cannot be compiled; `language` is that of the locale `default`."""
    variant = f" {template.variant}" if isinstance(template, VariantTemplate) else ""
    label = f"{template.name}@{template.version} {template.locale or 'default'}{variant}"
    try:
        compiler = PartCompiler(partials, template.locale)
        renderer = _build_renderer(template, compiler)
        uses_links = compiler.uses_links or bool(template.template_id)  # what the provider's template uses is not known
        return CompiledTemplate(label, renderer, template.locale, compiler.uses_formats, language, uses_links)
    except Exception as error:  # whatever a template does is a fault of the template, not of the router
        return TemplateFailure(TEMPLATE_ERROR, f"template {label} for {template.channel}: {_describe(error)}")


def render(
    template: CompiledTemplate, channel: ChannelName, variables: Mapping[Any, Any], locale: str = "", zone: str = ""
) -> Content | TemplateFailure:
    """The content for a user's locale and time zone, or why the template does not render: an expression can raise any error."""
    try:
        if template.uses_formats:
            variables = {**variables, FORMATS: select_formats(template.locale, locale, template.language, zone)}
        return template.render(variables)
    except UndefinedError as error:
        return TemplateFailure(MISSING_VARIABLE, f"template {template.label} for {channel}: {error}")
    except Exception as error:
        return TemplateFailure(TEMPLATE_ERROR, f"template {template.label} for {channel}: {_describe(error)}")


def _describe(error: Exception) -> str:
    """The cause in words for the author of the template: no text of Python or its libraries."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.message}, in {error.name}, line {error.lineno}"
    if isinstance(error, TemplateError):
        return str(error)
    if isinstance(error, NoJsonObject):
        return str(error)
    if isinstance(error, InvalidPushOptions) and isinstance(error.__cause__, DECODE_ERRORS):
        return f"the options do not render to valid ones: {describe_decode_error(error.__cause__, b'')}"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, (RecursionError, MemoryError)):
        return "an expression is nested too deep or its result is too large"
    return "an expression does not fit its data: text, a number or a list stands where it needs another kind of value"


def _build_renderer(template: Template, compiler: PartCompiler) -> Renderer:
    """The renderer of a template. Raises jinja2.TemplateError for a part that cannot be compiled."""

    def compile_part(part: str) -> Part:
        source: str = getattr(template, part)
        if source and part == "options":
            return compile_structure(source, part, compiler)
        return compiler.compile_part(source, part, html=part == "html") if source else render_nothing

    return get_channel(template.channel).build_renderer(compile_part)
