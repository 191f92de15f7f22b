"""What `herold redrives` shows."""

import pytest

from app.cli.formatting import format_datetime
from app.cli.output import JsonObject
from app.cli.redrives import format_selection

AT = 1_760_000_000.25


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        ({}, "all that were open"),
        ({"ids": ["dlt_1", "dlt_2"]}, "2 named"),
        ({"reason": "retries_exhausted", "since": AT}, f"reason retries_exhausted, since {format_datetime(AT)}"),
        ({"until": AT, "max_redrive_count": 1}, f"until {format_datetime(AT)}, max_redrive_count 1"),
    ],
)
def test_a_selection_is_shown_with_times_that_people_read(selection: JsonObject, text: str) -> None:
    assert format_selection(selection) == text
