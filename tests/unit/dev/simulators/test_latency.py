"""Latencies as text and as samples."""

from random import Random
from statistics import fmean, median

import pytest

from dev.simulators.latency import MAX_SECONDS, Latency, parse_duration, parse_latency


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("90s", 90.0), ("2m", 120.0), ("1.5h", 5400.0), ("0s", 0.0)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1 s", "1d", "1e3s", "½s"])
def test_a_text_that_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "latency"),
    [
        ("200ms", Latency("constant", 0.2)),
        ("uniform:100ms-2s", Latency("uniform", 0.1, 2.0)),
        ("exponential:500ms", Latency("exponential", 0.5)),
        ("lognormal:300ms:1.2", Latency("lognormal", 0.3, 1.2)),
    ],
)
def test_latencies(text: str, latency: Latency) -> None:
    assert parse_latency(text) == latency


@pytest.mark.parametrize("text", ["", "normal:1s", "uniform:1s", "uniform:1-2", "exponential:", "lognormal:1s", "lognormal:1s:x"])
def test_a_text_that_is_no_latency(text: str) -> None:
    with pytest.raises(ValueError):
        parse_latency(text)


def test_samples_follow_the_distribution() -> None:
    random = Random(1)
    uniform = [Latency("uniform", 1.0, 3.0).sample(random) for _ in range(2000)]
    assert min(uniform) >= 1.0
    assert max(uniform) <= 3.0
    assert fmean(uniform) == pytest.approx(2.0, rel=0.05)
    assert fmean(Latency("exponential", 0.5).sample(random) for _ in range(5000)) == pytest.approx(0.5, rel=0.1)
    assert median(Latency("lognormal", 0.3, 1.0).sample(random) for _ in range(5000)) == pytest.approx(0.3, rel=0.1)
    assert Latency("constant", 2.0).sample(random) == 2.0


def test_no_sample_is_longer_than_the_longest_latency() -> None:
    assert Latency("constant", 10_000.0).sample(Random(1)) == MAX_SECONDS
    assert max(Latency("exponential", 500.0).sample(Random(seed)) for seed in range(100)) == MAX_SECONDS
