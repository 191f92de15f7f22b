"""The enums are closed, and the glossary defines each of their values."""

from pathlib import Path

import pytest

from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES, Outcome, Reason, State, Status

GLOSSARY = (Path(__file__).parents[3] / "docs" / "glossary.md").read_text()


def test_priorities_are_ordered_from_high_to_low() -> None:
    assert PRIORITIES == ("high", "medium", "low")


def test_there_are_six_outcomes() -> None:
    assert len(Outcome) == 6


@pytest.mark.parametrize("word", [*PRIORITIES, *CHANNEL_NAMES, *State, *Status, *Outcome])
def test_the_glossary_defines_the_word(word: str) -> None:
    assert word in GLOSSARY


def test_reasons_are_lower_case_words_with_underscores() -> None:
    assert all(reason == reason.lower() and " " not in reason for reason in Reason)
    assert all(reason == reason.name.lower() for reason in Reason)
