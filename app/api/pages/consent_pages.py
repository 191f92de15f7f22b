"""The pages behind the links in messages: HTML without scripts, in the user's language."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.api.pages.languages import Texts, load_texts, select_language
from app.api.services.consent_choices import Offer, is_chosen
from schemas.message_links import LinkTarget

PAGE_DIR = Path(__file__).parent
_STYLE = Markup(PAGE_DIR.joinpath("page.css").read_text("utf-8"))
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS: Mapping[str, str] = {
    # no script, no picture, no other host, no frame around it; the one style is known by its hash
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-robots-tag": "noindex, nofollow",
    "vary": "accept-language",
}


class ConsentPages:
    """Renders the pages; the files are read once."""

    def __init__(self) -> None:
        self._texts = load_texts()
        environment = Environment(loader=FileSystemLoader(PAGE_DIR), autoescape=True, undefined=StrictUndefined)
        self._pages = {name: environment.get_template(f"{name}.html") for name in ("page", "unsubscribe", "preferences")}

    def select_texts(self, locale: str, accept_language: str) -> tuple[str, Texts]:
        """The language for a user's locale or a browser's header, and its texts."""
        language = select_language(self._texts, locale, accept_language)
        return language, self._texts[language]

    def render_question(self, language: str, target: LinkTarget, token: str) -> str:
        """The page that asks before anything is changed."""
        texts = self._texts[language]
        return self._render(
            "unsubscribe",
            language,
            texts.unsubscribe_title,
            question=texts.fill(texts.unsubscribe_question, target.category, target.channel),
            category_button=texts.fill(texts.unsubscribe_button, target.category, target.channel),
            preferences_path=f"{token}/preferences",
        )

    def render_unsubscribed(self, language: str, target: LinkTarget, token: str, *, is_all: bool) -> str:
        """The page that says what was changed."""
        texts = self._texts[language]
        text = texts.unsubscribed_all_text if is_all else texts.fill(texts.unsubscribed_text, target.category, target.channel)
        return self._render("page", language, texts.unsubscribed_title, paragraphs=[text], preferences_path=f"{token}/preferences")

    def render_preferences(self, language: str, offers: Iterable[Offer], choices: Mapping[str, str], *, is_saved: bool) -> str:
        """The page with all categories and channels."""
        texts = self._texts[language]
        categories = [
            {"name": texts.name_category(category), "offers": [_describe_offer(offer, texts, choices) for offer in of_category]}
            for category, of_category in groupby(offers, lambda offer: offer.category)
        ]
        return self._render("preferences", language, texts.preferences_title, categories=categories, is_saved=is_saved)

    def render_problem(self, language: str, title: str, text: str) -> str:
        """A page that says what is wrong."""
        return self._render("page", language, title, paragraphs=[text])

    def _render(self, page: str, language: str, title: str, **values: Any) -> str:
        defaults: dict[str, Any] = {"preferences_path": "", "paragraphs": (), "style": _STYLE}
        return self._pages[page].render({**defaults, "language": language, "texts": self._texts[language], "title": title, **values})


def _describe_offer(offer: Offer, texts: Texts, choices: Mapping[str, str]) -> dict[str, Any]:
    return {"key": offer.key, "channel_name": texts.channels[offer.channel], "is_chosen": is_chosen(offer, choices)}
