"""The languages of the pages are complete, and the one of the user is found."""

from pathlib import Path

import msgspec
import pytest

from app.api.pages.languages import LANGUAGE_DIR, load_texts, parse_accept_language, select_language

LANGUAGES = load_texts()
NAMES = [name for name in LANGUAGES["en"].__struct_fields__ if name not in ("channels", "categories")]


def test_there_are_at_least_these_languages() -> None:
    assert {"en", "de", "fr", "es"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_language_has_every_text_with_the_same_fields(language: str) -> None:
    texts, english = LANGUAGES[language], LANGUAGES["en"]
    for name in NAMES:
        text, original = getattr(texts, name), getattr(english, name)
        assert text.strip()
        assert [field in text for field in ("{category}", "{channel}")] == [field in original for field in ("{category}", "{channel}")], (
            name
        )
        assert language == "en" or text != original, f"{name} is not translated"
    assert texts.channels.keys() == english.channels.keys()
    assert texts.categories.keys() == english.categories.keys()


def test_a_file_that_lacks_a_text_is_an_error(tmp_path: Path) -> None:
    text = (LANGUAGE_DIR / "de.yml").read_text("utf-8")
    (tmp_path / "de.yml").write_text(text.replace("preferences_saved", "preferences_stored"), "utf-8")
    with pytest.raises(msgspec.ValidationError, match=r"preferences_s"):
        load_texts(tmp_path)


def test_a_category_without_a_translation_is_written_with_spaces() -> None:
    assert LANGUAGES["de"].name_category("marketing") == "Angebote und Neuigkeiten"
    assert LANGUAGES["de"].name_category("new-in_your.street") == "New in your street"


def test_a_category_named_as_a_field_stays_as_it_is() -> None:
    assert LANGUAGES["en"].fill("{category} by {channel}", "{channel}", "email") == "{channel} by e-mail"


@pytest.mark.parametrize(
    ("locale", "header", "language"),
    [
        ("de-AT", "fr", "de"),
        ("de_AT", "", "de"),
        ("DE", "", "de"),
        ("", "fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", "fr"),
        ("ja-JP", "es", "es"),
        ("", "en;q=0.4, de-AT;q=0.8", "de"),
        ("", "de;q=0, es;q=0.1", "es"),
        ("", "*", "en"),
        ("", "", "en"),
        ("tlh", "x;q=nine, ;;,,", "en"),
        ("default", "", "en"),
    ],
)
def test_the_language_is_the_users_then_the_browsers_then_english(locale: str, header: str, language: str) -> None:
    assert select_language(LANGUAGES, locale, header) == language


def test_a_header_is_read_in_the_order_of_its_weights() -> None:
    assert parse_accept_language("a;q=0.2, b, c;q=0.5, d;q=2, e;level=1") == ["b", "c", "a"]
    assert len(parse_accept_language(",".join(["de"] * 10_000))) == 20
