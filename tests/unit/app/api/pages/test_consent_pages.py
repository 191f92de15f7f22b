"""The pages are accessible HTML without scripts, escape what is not theirs, and can be read in light and dark."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from app.api.pages.consent_pages import PAGE_DIR, PAGE_HEADERS, ConsentPages
from app.api.pages.languages import load_texts
from app.api.services.consent_choices import Offer
from schemas.message_links import LinkTarget
from tests.unit.app.api.pages.page_structure import PageStructure

PAGES, LANGUAGES = ConsentPages(), load_texts()
TARGET = LinkTarget("u-42", "marketing", "email", "ntf_1")
OFFERS = [Offer("feedback", "email", True), Offer("marketing", "email", True), Offer("marketing", "sms", True)]


def render_all(language: str) -> dict[str, str]:
    return {
        "question": PAGES.render_question(language, TARGET, "tok-en"),
        "unsubscribed": PAGES.render_unsubscribed(language, TARGET, "tok-en", is_all=False),
        "all": PAGES.render_unsubscribed(language, TARGET, "tok-en", is_all=True),
        "preferences": PAGES.render_preferences(language, OFFERS, {"marketing/email": "out"}, is_saved=False),
        "saved": PAGES.render_preferences(language, OFFERS, {}, is_saved=True),
        "empty": PAGES.render_preferences(language, [], {}, is_saved=False),
        "problem": PAGES.render_problem(language, LANGUAGES[language].invalid_link_title, LANGUAGES[language].invalid_link_text),
    }


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_each_page_in_each_language_is_accessible(language: str) -> None:
    for name, page in render_all(language).items():
        structure = PageStructure(page)
        structure.check_accessibility()
        assert structure.find_all("html")[0]["lang"] == language, name
        assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL), f"{name}: a field that is not filled in"


def test_the_question_names_category_and_channel_and_has_two_buttons_and_a_link() -> None:
    structure = PageStructure(render_all("de")["question"])
    assert "Möchten Sie „Angebote und Neuigkeiten“ nicht mehr per E-Mail erhalten?" in structure.texts["p"]
    assert [one["value"] for one in structure.find_all("button", name="action", type="submit")] == ["category", "all"]
    assert structure.find_all("form") == [{"method": "post"}], "to the same path, which has the token"
    assert structure.find_all("a") == [{"href": "tok-en/preferences"}], "relative, so that it works below the path of any proxy"


def test_the_preferences_have_a_box_for_each_channel_of_a_category() -> None:
    structure = PageStructure(render_all("en")["preferences"])
    boxes = structure.find_all("input", type="checkbox", name="chosen")
    assert [(one["value"], "checked" in one) for one in boxes] == [
        ("feedback/email", True),
        ("marketing/email", False),
        ("marketing/sms", True),
    ]
    assert [one["value"] for one in structure.find_all("input", type="hidden", name="shown")] == [one["value"] for one in boxes]
    assert structure.texts["legend"] == ["Requests for feedback", "Offers and news"]
    assert structure.texts["label"] == ["e-mail", "e-mail", "SMS"]


def test_that_a_choice_is_saved_is_announced() -> None:
    assert PageStructure(render_all("fr")["saved"]).find_all("p", role="status")
    assert not PageStructure(render_all("fr")["preferences"]).find_all("p", role="status")


def test_names_of_categories_and_tokens_are_escaped() -> None:
    name = '"><script>alert(1)</script>'
    target = LinkTarget("u", name, "email", "n")
    for page in (
        PAGES.render_question("en", target, name),
        PAGES.render_unsubscribed("en", target, name, is_all=False),
        PAGES.render_preferences("en", [Offer(name, "email", True)], {}, is_saved=False),
    ):
        PageStructure(page)
        assert "<script" not in page


def test_the_style_is_the_one_that_the_policy_allows_and_nothing_else_is() -> None:
    style = re.findall(r"<style>(.*?)</style>", render_all("en")["question"], flags=re.DOTALL)
    policy = dict(part.strip().split(" ", 1) for part in PAGE_HEADERS["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{b64encode(sha256(style[0].encode()).digest()).decode()}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "url(" not in style[0]
    assert "import" not in style[0]


def compute_luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def compute_contrast(first: str, second: str) -> float:
    low, high = sorted((compute_luminance(first), compute_luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_contrast_is_that_of_wcag(scheme: int) -> None:
    style = (PAGE_DIR / "page.css").read_text()
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", [line for line in style.splitlines() if "--text:" in line][scheme]))
    assert compute_contrast(colors["text"], colors["back"]) >= 7
    assert compute_contrast(colors["action"], colors["back"]) >= 4.5
    assert compute_contrast(colors["on-action"], colors["action"]) >= 4.5
    assert compute_contrast(colors["line"], colors["back"]) >= 3


def test_a_focus_can_be_seen() -> None:
    style = (PAGE_DIR / "page.css").read_text()
    assert ":focus-visible { outline: 3px" in style
    assert "outline: 0" not in style
