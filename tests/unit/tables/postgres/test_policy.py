"""The policy in memory, its refresh, and the file from which it comes while PostgreSQL does not answer."""

import asyncio
import logging
import math
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UnavailableError
from schemas.policy import Policy
from tables.policy_file import PolicyFile
from tables.postgres.policy import CachedPolicyReader

NOW = 1_760_000_000.0
FIRST_POLICY, SECOND_POLICY = Policy({}, (), (), 1), Policy({}, (), (), 2)


class PolicyReaderScenario:
    """A reader whose store has `policy`, or is unavailable without one."""

    def __init__(self, file: PolicyFile | None = None, policy: Policy | None = FIRST_POLICY) -> None:
        self.policy, self.now = policy, NOW
        self.load_calls: list[Policy | None] = []
        self.reader = CachedPolicyReader(self.load, lambda: self.now, file)

    async def load(self, known: Policy | None) -> Policy:
        self.load_calls.append(known)
        if self.policy is None:
            raise UnavailableError("the test's store is unavailable")
        return self.policy


def test_there_is_no_policy_before_the_first_load() -> None:
    with pytest.raises(UnavailableError, match="not loaded"):
        PolicyReaderScenario().reader.get_current()


async def test_a_newer_policy_replaces_the_current_one() -> None:
    scenario = PolicyReaderScenario()
    assert await scenario.reader.refresh()
    scenario.policy = SECOND_POLICY
    await scenario.reader.refresh()
    assert scenario.reader.get_current() is SECOND_POLICY
    assert scenario.load_calls == [None, FIRST_POLICY]


async def test_the_current_policy_stays_while_the_store_is_unavailable() -> None:
    scenario = PolicyReaderScenario()
    await scenario.reader.refresh()
    scenario.policy = None
    assert await scenario.reader.refresh()
    assert scenario.reader.get_current() is FIRST_POLICY


async def test_refresh_runs_every_second_until_a_policy_is_loaded_then_at_the_interval() -> None:
    scenario, delays = PolicyReaderScenario(), []
    scenario.policy = None

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 3:
            scenario.policy = FIRST_POLICY
        if len(delays) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await scenario.reader.refresh_forever(sleep, 5.0)
    assert delays == [1.0, 1.0, 1.0, 5.0, 5.0]


@pytest.fixture
def file(tmp_path: Path) -> PolicyFile:
    """A file that does not exist."""
    return PolicyFile(tmp_path / "policy.json")


@pytest.fixture(autouse=True)
def enable_info_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "herold")


def list_events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and name of each log line."""
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def get_fields(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    """The fields of the only line of an event."""
    (fields,) = [record.__dict__["fields"] for record in caplog.records if record.getMessage() == event]
    return dict(fields)


async def test_the_last_known_policy_survives_a_restart_without_postgresql(file: PolicyFile, caplog: pytest.LogCaptureFixture) -> None:
    before = PolicyReaderScenario(file)
    await before.reader.refresh()
    before.now += 60
    await before.reader.refresh()  # confirmed once more
    after = PolicyReaderScenario(file, policy=None)
    after.now = before.now + 3600
    assert math.isinf(after.reader.compute_age())
    assert await after.reader.refresh()
    assert after.reader.get_current() == FIRST_POLICY
    assert after.reader.compute_age() == 3600
    assert list_events(caplog)[1:] == [("WARNING", "policy.restored"), ("WARNING", "policy.refresh_failed")]
    assert get_fields(caplog, "policy.restored") == {"version": 1, "age": 3600, "path": str(file.path)}
    assert get_fields(caplog, "policy.refresh_failed")["effect"] == "the last known rules stay in force"


async def test_postgresql_is_asked_for_everything_after_a_restart_from_the_file(file: PolicyFile) -> None:
    file.save(Policy({}, (), (), FIRST_POLICY.version), NOW)  # the same version of a database that was created anew
    scenario = PolicyReaderScenario(file, policy=None)
    await scenario.reader.refresh()
    scenario.policy = FIRST_POLICY
    await scenario.reader.refresh()
    assert scenario.load_calls == [None, None]
    assert scenario.reader.get_current() is FIRST_POLICY


async def test_the_file_is_not_read_while_postgresql_answers(file: PolicyFile) -> None:
    file.save(SECOND_POLICY, NOW - 60)
    scenario = PolicyReaderScenario(file)
    await scenario.reader.refresh()
    assert scenario.reader.get_current() is FIRST_POLICY
    saved = file.load()
    assert saved is not None
    assert (saved.policy, saved.confirmed_at) == (FIRST_POLICY, NOW)


async def test_a_first_start_without_postgresql_says_that_no_rules_are_known(file: PolicyFile, caplog: pytest.LogCaptureFixture) -> None:
    assert not await PolicyReaderScenario(file, policy=None).reader.refresh()
    assert "no rules are known, and this host has no usable copy" in get_fields(caplog, "policy.refresh_failed")["effect"]


async def test_a_damaged_file_is_an_error_once_and_is_replaced_later(file: PolicyFile, caplog: pytest.LogCaptureFixture) -> None:
    file.path.write_text("{}")
    scenario = PolicyReaderScenario(file, policy=None)
    for _ in range(2):
        assert not await scenario.reader.refresh()
    assert [event for event in list_events(caplog) if event[0] == "ERROR"] == [("ERROR", "policy.file_invalid")]
    assert get_fields(caplog, "policy.file_invalid")["path"] == str(file.path)
    scenario.policy = FIRST_POLICY
    assert await scenario.reader.refresh()
    assert file.load() is not None


async def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "data"
    directory.write_text("not a directory")
    scenario = PolicyReaderScenario(PolicyFile(directory / "policy.json"))
    for _ in range(2):
        assert await scenario.reader.refresh()
    assert [event for event in list_events(caplog) if event[0] == "ERROR"] == [("ERROR", "policy.save_failed")]
    directory.unlink()
    await scenario.reader.refresh()
    assert (directory / "policy.json").exists()
