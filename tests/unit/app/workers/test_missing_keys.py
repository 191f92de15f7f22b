"""A worker without keys says at its start, and when that changes, which projects it cannot serve."""

import logging
from typing import Any

import pytest

from app.topology import ROLES
from app.workers.missing_keys import EFFECTS, INTERVAL, RETRY, report_missing_keys
from schemas.errors import UnavailableError

Rows = list[dict[str, Any]] | None  # None: PostgreSQL is away


def build(**encrypts: bool) -> Rows:
    return [{"id": name, "encrypts_personal_data": value} for name, value in encrypts.items()]


async def run(answers: list[Rows]) -> list[float]:
    """Read these answers, one after the other; returns how long it slept after each."""
    slept: list[float] = []
    rest = iter(answers)

    async def fetch(query: str) -> Any:
        rows = next(rest, None)
        if rows is None:
            raise UnavailableError("PostgreSQL does not answer")
        return rows

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == len(answers):
            raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        await report_missing_keys("router", fetch, sleep)
    return slept


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([build(), build(shop=False)], []),
        ([build(shop=True, club=True, plain=False)] * 3, [["club", "shop"]]),
        ([None, build(shop=True), None, build(shop=True)], [["shop"]]),
        ([build(shop=True), build(), build(shop=True), build(shop=True, club=True)], [["shop"], ["shop"], ["club", "shop"]]),
    ],
)
async def test_projects_that_ask_for_encryption_are_named_once(
    answers: list[Rows], expected: list[list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="herold")
    slept = await run(answers)
    lines = [record.fields for record in caplog.records if record.getMessage() == "worker.keys_missing"]  # type: ignore[attr-defined]
    assert [line["projects"] for line in lines] == expected
    assert all("in plain" in line["effect"] for line in lines)
    assert slept[-1] == INTERVAL
    assert (slept[0] == RETRY) == (answers[0] is None)


def test_each_role_says_what_comes_of_it() -> None:
    assert EFFECTS.keys() == set(ROLES)
