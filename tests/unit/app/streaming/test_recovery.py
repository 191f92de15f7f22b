"""A step of recovery that takes too long raises; one that a stop or a rebalance ends does not."""

import asyncio
from pathlib import Path

import pytest
from faust.tables.recovery import RebalanceAgain, ServiceStopped

from app.streaming.recovery import RecoveryTimeoutError, StrictRecovery
from tests.unit.app.streaming.app_builder import build_app


@pytest.fixture
async def recovery(tmp_path: Path) -> StrictRecovery:
    recovery = build_app(tmp_path).tables.recovery
    assert isinstance(recovery, StrictRecovery)
    return recovery


async def test_a_step_that_ends_in_time_returns(recovery: StrictRecovery) -> None:
    await recovery._wait(asyncio.sleep(0), timeout=60)


async def test_a_step_that_takes_too_long_raises(recovery: StrictRecovery) -> None:
    with pytest.raises(RecoveryTimeoutError, match=r"longer than 0\.001 s"):
        await recovery._wait(asyncio.Event().wait(), timeout=0.001)


async def test_a_stop_raises_as_in_faust(recovery: StrictRecovery) -> None:
    recovery._stopped.set()
    with pytest.raises(ServiceStopped):
        await recovery._wait(asyncio.Event().wait(), timeout=60)


async def test_a_rebalance_raises_as_in_faust(recovery: StrictRecovery) -> None:
    recovery.signal_recovery_start.set()
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.Event().wait(), timeout=60)
