"""The texts of the pages by language: one file for each, all with the keys of English."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, convert

from agents.router.templates.locales import build_locale_chain
from schemas.channels import ChannelName
from tables.yaml_parser import parse_yaml

DEFAULT_LANGUAGE: Final = "en"
LANGUAGE_DIR = Path(__file__).with_name("languages")
MAX_ACCEPTED = 20  # languages of a header


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """The texts of one language."""

    unsubscribe_title: str
    unsubscribe_question: str
    unsubscribe_button: str
    unsubscribe_all_text: str
    unsubscribe_all_button: str
    preferences_link: str
    unsubscribed_title: str
    unsubscribed_text: str
    unsubscribed_all_text: str
    preferences_title: str
    preferences_text: str
    preferences_empty: str
    preferences_button: str
    preferences_saved: str
    invalid_link_title: str
    invalid_link_text: str
    invalid_request_title: str
    invalid_request_text: str
    unavailable_title: str
    unavailable_text: str
    channels: Mapping[ChannelName, str]
    categories: Mapping[str, str]

    def name_category(self, category: str) -> str:
        """A category in words; one without a translation is written as the rules have it, with spaces."""
        return self.categories.get(category) or category.replace("_", " ").replace("-", " ").replace(".", " ").capitalize()

    def fill(self, text: str, category: str, channel: ChannelName) -> str:
        """One of these texts with the names of a category and a channel."""
        return text.replace("{channel}", self.channels[channel]).replace("{category}", self.name_category(category))


def load_texts(directory: Path = LANGUAGE_DIR) -> dict[str, Texts]:
    """The texts by language. Raises msgspec.ValidationError for a file that lacks a text or has one too many."""
    return {file.stem: convert(parse_yaml(file.read_bytes()), Texts) for file in sorted(directory.glob("*.yml"))}


def select_language(available: Iterable[str], locale: str, accept_language: str = "") -> str:
    """The language for a user's locale, else for a header Accept-Language, else English."""
    languages = {*available}
    for wanted in [locale, *parse_accept_language(accept_language)]:
        for candidate in build_locale_chain(wanted):
            if candidate in languages:
                return candidate
    return DEFAULT_LANGUAGE


def parse_accept_language(header: str) -> list[str]:
    """The languages of the header, the most wanted first (RFC 9110, 12.5.4); what cannot be read is left out."""
    weighted: list[tuple[float, str]] = []
    for item in header.split(",")[:MAX_ACCEPTED]:
        language, _, parameter = item.strip().partition(";")
        weight = _parse_weight(parameter.strip())
        if language.strip() not in ("", "*") and weight > 0:
            weighted.append((weight, language.strip()))
    return [language for _, language in sorted(weighted, key=lambda one: -one[0])]


def _parse_weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        weight = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
