"""The task of the bounce guard: it counts, alerts, and keeps what it knows while PostgreSQL does not answer."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import pytest

from agents.delivery.bounce_guard import BounceGuard
from app.telemetry import Metrics
from app.workers.bounce_guard import build_bounce_guard, watch_bounces
from schemas.errors import UnavailableError
from tables.postgres.bounce_counts import PostgresBounceCounts
from tests.settings_builders import DEFAULT_SETTINGS

SECTION = msgspec.structs.replace(DEFAULT_SETTINGS.bounce_guard, max_percent=5.0, min_sent=100)


class ScriptedCounts:
    """Gives one count after the other, and then ends the task; None stands for a PostgreSQL that does not answer."""

    def __init__(self, *counts: Mapping[str, tuple[int, int]] | None) -> None:
        self._counts = [*counts]

    async def read(self, now: float) -> Mapping[str, tuple[int, int]]:
        if not self._counts:
            raise asyncio.CancelledError
        counts = self._counts.pop(0)
        if counts is None:
            raise UnavailableError("no answer")
        return counts


async def watch(guard: BounceGuard, *counts: Mapping[str, tuple[int, int]] | None) -> list[float]:
    """Run the task over these counts; returns how long it slept."""
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    with pytest.raises(asyncio.CancelledError):
        await watch_bounces(guard, cast(PostgresBounceCounts, ScriptedCounts(*counts)), lambda: 0.0, sleep, 15.0)
    return sleeps


def build() -> BounceGuard:
    guard = build_bounce_guard(SECTION, Metrics())
    assert guard is not None
    return guard


def test_without_a_percentage_there_is_no_guard() -> None:
    assert build_bounce_guard(DEFAULT_SETTINGS.bounce_guard, Metrics()) is None


async def test_a_stop_is_an_error_in_the_log_and_its_end_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    guard = build()
    assert await watch(guard, {"news": (200, 40)}, {"news": (200, 40)}, {"news": (300, 3)}) == [15.0] * 3
    lines: list[Any] = [(one.message, one.levelname, one.__dict__["fields"]["category"]) for one in caplog.records]
    assert lines == [("delivery.category_stopped", "ERROR", "news"), ("delivery.category_resumed", "INFO", "news")]
    assert caplog.records[0].__dict__["fields"]["bounced"] == 40


async def test_without_postgresql_what_is_stopped_stays_so(caplog: pytest.LogCaptureFixture) -> None:
    guard = build()
    await watch(guard, {"news": (200, 40)}, None)
    assert guard.stopped == {"news"}
    assert "delivery.bounces_unknown" in [one.message for one in caplog.records]
