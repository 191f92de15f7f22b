"""The vocabularies are closed and spelled once; the glossary knows every word of them."""

from pathlib import Path

import pytest

from schemas.enums import CHANNELS, PRIORITIES, Outcome, Reason, State, Status

GLOSSARY = (Path(__file__).parents[3] / "docs" / "glossary.md").read_text()


def test_priorities_are_in_the_order_of_urgency() -> None:
    assert PRIORITIES == ("high", "medium", "low")


def test_there_are_six_outcomes() -> None:
    assert len(Outcome) == 6


@pytest.mark.parametrize("word", [*PRIORITIES, *CHANNELS, *State, *Status, *Outcome])
def test_the_glossary_has_the_word(word: str) -> None:
    assert word in GLOSSARY


def test_reasons_are_written_as_operators_type_them() -> None:
    assert all(reason == reason.lower() and " " not in reason for reason in Reason)
    assert all(reason == reason.name.lower() for reason in Reason)
