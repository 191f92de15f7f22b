from typing import Any

import click
import pytest

from app.cli.durations import DurationType

WEEK = DurationType(7 * 86_400)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("1h30m", 5400), ("7d", 604_800), (60.0, 60)])
def test_a_duration_is_a_number_with_a_unit(text: Any, seconds: float) -> None:
    assert WEEK.convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("text", "problem"), [("24", "such as 24h"), ("0h", "such as 24h"), ("1w", "such as 24h"), ("8d", "longer than 7 days")]
)
def test_another_text_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(click.BadParameter, match=problem):
        WEEK.convert(text, None, None)
