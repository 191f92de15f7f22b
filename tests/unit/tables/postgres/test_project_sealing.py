"""A project says whether the data of its users is sealed; the setting is for all others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.errors import UnavailableError
from tables.postgres import project_sealing
from tables.postgres.project_sealing import CACHED_SECONDS, READ_COOLDOWN, ProjectSealing
from tests.column_sealing import INDEX

TOKEN = INDEX.compute("email", "ada@example.org")


class Projects:
    """What the table has, and how often it was read."""

    def __init__(self, **overrides: bool) -> None:
        self.overrides, self.reads, self.is_unavailable, self.now = overrides, 0, False, 100.0
        self.answers = asyncio.Event()
        self.answers.set()

    async def fetch(self, query: str) -> Sequence[Any]:
        """The rows."""
        self.reads += 1
        await self.answers.wait()
        if self.is_unavailable:
            raise UnavailableError("no database")
        return [{"id": name, "encrypts_personal_data": value} for name, value in self.overrides.items()]

    def build(self, *, default: bool) -> ProjectSealing:
        """The choice of a process."""
        return ProjectSealing(default, lambda: self.now, self.fetch)


@pytest.mark.parametrize("default", [True, False])
async def test_a_project_decides_for_its_users_and_no_others(default: bool) -> None:
    choice = Projects(on=True, off=False).build(default=default)
    await choice.refresh()
    users = {"u-1": default, "@on/u-1": True, "@off/u-1": False, "@other/u-1": default, "@on": default}
    assert {user_id: choice.seals(user_id) for user_id in users} == users


async def test_an_address_without_a_user_is_sealed_if_anybodys_is() -> None:
    for projects, expected in ((Projects(), False), (Projects(off=False), False), (Projects(on=True), True)):
        choice = projects.build(default=False)
        await choice.refresh()
        assert (choice.seals(""), choice.seals(TOKEN), choice.seals("u-1")) == (expected, expected, False)


async def test_a_change_counts_after_a_few_seconds_and_an_outage_changes_nothing() -> None:
    projects = Projects()
    choice = projects.build(default=False)
    await choice.refresh()
    projects.overrides["on"] = True
    await choice.refresh()
    assert (projects.reads, choice.seals("@on/u-1")) == (1, False)
    projects.now += CACHED_SECONDS
    await choice.refresh()
    assert (projects.reads, choice.seals("@on/u-1")) == (2, True)
    projects.is_unavailable, projects.now = True, projects.now + CACHED_SECONDS
    await choice.refresh()
    assert choice.seals("@on/u-1")


async def test_before_projects_could_be_read_their_users_and_addresses_without_a_user_are_sealed() -> None:
    projects = Projects(off=False)
    projects.is_unavailable = True
    choice = projects.build(default=False)
    await choice.refresh()
    sealed = {user_id: choice.seals(user_id) for user_id in ("@off/u-1", "", TOKEN, "u-1")}
    assert sealed == {"@off/u-1": True, "": True, TOKEN: True, "u-1": False}


async def test_before_the_first_answer_projects_are_read_again_soon() -> None:
    projects = Projects(off=False)
    projects.is_unavailable = True
    choice = projects.build(default=False)
    await choice.refresh()
    projects.is_unavailable = False
    await choice.refresh()
    assert projects.reads == 1
    projects.now += READ_COOLDOWN
    await choice.refresh()
    assert (projects.reads, choice.seals("@off/u-1")) == (2, False)


@pytest.mark.parametrize("is_known", [True, False])
async def test_nobody_waits_long_for_a_database_that_hangs_and_its_late_answer_counts(
    monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    monkeypatch.setattr(project_sealing, "READ_PATIENCE", 0.01)
    projects = Projects(on=False)
    choice = projects.build(default=False)
    if is_known:
        await choice.refresh()
    before = projects.reads
    projects.answers.clear()
    projects.overrides = {"on": True, "off": False}
    async with asyncio.timeout(60):
        for _ in range(3):  # those after the first begin no other reading
            projects.now += CACHED_SECONDS
            await choice.refresh()
        assert (projects.reads - before, choice.seals("@on/u-1")) == (1, not is_known)
        projects.answers.set()
        while choice.seals("@off/u-1") or not choice.seals("@on/u-1"):
            await asyncio.sleep(0)
    assert projects.reads - before == 1


async def test_after_a_late_failure_nobody_waits_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_sealing, "READ_PATIENCE", 0.01)
    projects = Projects(on=True)
    choice = projects.build(default=False)
    await choice.refresh()
    projects.answers.clear()
    projects.now += CACHED_SECONDS
    await choice.refresh()
    projects.is_unavailable, projects.now = True, projects.now + CACHED_SECONDS
    projects.answers.set()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "project-sealing"))
    await choice.refresh()
    assert (projects.reads, choice.seals("@on/u-1")) == (2, True)
    projects.now += CACHED_SECONDS
    await choice.refresh()
    assert projects.reads == 3
