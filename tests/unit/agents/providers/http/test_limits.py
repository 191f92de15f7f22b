import pytest

from agents.providers.http.limits import HttpLimits


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (1.0, 5),  # 4 ticks of 0.25 s, and one because the first may come at once
        (1.1, 6),
        (0.1, 2),
        (0.0, 2),
    ],
)
def test_ticks_are_never_shorter_than_asked(seconds: float, ticks: int) -> None:
    assert HttpLimits(tick_seconds=0.25).to_ticks(seconds) == ticks
