"""Records wait for others that come, and not for clients that wait for their responses; all in virtual time."""

from math import inf
from random import Random

import pytest

from app.api.services.adaptive_linger import FULL_RECORDS, AdaptiveLinger
from tests.unit.app.api.services.linger_simulation import MIN_INTERVAL, PRODUCE_TIME, REQUEST_TIME, Figures, LingerSimulation

HIGH, MEDIUM, LOW = 0.005, 0.04, 0.1  # seconds
START = 5.0  # seconds until the rate is known and the first test is done
SECONDS = 10.0


def simulate_clients(count: int, think_times: tuple[float, float], linger: float) -> Figures:
    """Clients that wait for each response, and then for a random time between these."""
    simulation, random = LingerSimulation(AdaptiveLinger(linger)), Random(1)
    for _ in range(count):
        simulation.add_client(lambda: random.uniform(*think_times))
    simulation.run(START)
    return simulation.run(SECONDS)


def simulate_schedule(rate: float, linger: float, *, is_regular: bool = True, records: int = 1, other_interval: float = inf) -> Figures:
    """Requests at this rate per second, which wait for nothing, after the start."""
    simulation, random = LingerSimulation(AdaptiveLinger(linger), records=records, other_write_interval=other_interval), Random(1)
    simulation.add_schedule(lambda: 1 / rate if is_regular else random.expovariate(rate))
    simulation.run(START)
    return simulation.run(SECONDS)


@pytest.mark.parametrize("is_regular", [True, False])
def test_single_requests_at_100_per_second_are_gathered_for_40_ms(is_regular: bool) -> None:
    figures = simulate_schedule(100, MEDIUM, is_regular=is_regular)
    assert figures.writes < 28
    assert figures.waits[-1] <= MEDIUM + PRODUCE_TIME + MIN_INTERVAL


def test_a_longer_linger_gathers_more() -> None:
    assert simulate_schedule(100, LOW).writes < 15
    assert simulate_schedule(30, LOW).writes < 15


def test_few_requests_are_written_at_once() -> None:
    assert simulate_schedule(30, MEDIUM).waits[-1] < 2 * PRODUCE_TIME


def test_nothing_waits_for_more_than_a_full_request() -> None:
    figures = simulate_schedule(1000, MEDIUM)
    assert figures.writes == pytest.approx(1000 / FULL_RECORDS, rel=0.05)
    assert figures.waits[-1] < 0.02


def test_bulk_requests_do_not_linger() -> None:
    assert simulate_schedule(100, MEDIUM, records=100).waits[-1] < 2 * PRODUCE_TIME


@pytest.mark.parametrize("linger", [MEDIUM, LOW])
@pytest.mark.parametrize("think_time", [0.001, 0.005, 0.03])
def test_one_client_that_waits_for_its_responses_is_not_slowed(think_time: float, linger: float) -> None:
    figures = simulate_clients(1, (think_time, think_time), linger)
    cycle = max(think_time + PRODUCE_TIME + REQUEST_TIME, MIN_INTERVAL)
    assert figures.requests > 0.95 / cycle
    assert figures.waits[len(figures.waits) * 98 // 100] <= MIN_INTERVAL


@pytest.mark.parametrize("linger", [HIGH, MEDIUM])
@pytest.mark.parametrize("count", [2, 4, 8, 32])
def test_clients_that_send_again_at_once_are_not_slowed(count: int, linger: float) -> None:
    think_times = (0.0, 0.0004)
    assert simulate_clients(count, think_times, linger).requests > 0.97 * simulate_clients(count, think_times, 0.0).requests


@pytest.mark.parametrize("count", [2, 4, 8, 16])
def test_clients_that_take_their_time_are_hardly_slowed(count: int) -> None:
    think_times = (0.0, 0.04)
    assert simulate_clients(count, think_times, MEDIUM).requests > 0.85 * simulate_clients(count, think_times, 0.0).requests


def test_clients_that_wait_are_recognised_although_writes_for_others_end_their_lingers() -> None:
    simulation = LingerSimulation(AdaptiveLinger(MEDIUM), other_write_interval=0.01)
    simulation.add_client(lambda: 0.002)
    assert simulation.run(SECONDS).requests > 170


def test_requests_that_come_after_clients_that_waited_are_gathered_again() -> None:
    simulation = LingerSimulation(AdaptiveLinger(MEDIUM))
    is_over = False
    simulation.add_client(lambda: 3600.0 if is_over else 0.005)
    simulation.run(SECONDS)
    is_over = True
    simulation.add_schedule(lambda: 0.01)
    simulation.run(10.0)
    assert simulation.run(SECONDS).writes < 28


def test_a_linger_ends_soon_after_requests_pause() -> None:
    linger, now = AdaptiveLinger(MEDIUM), 0.0
    for _ in range(3000):  # at 300 per second, until they are gathered
        now += 1 / 300
        linger.record_request(1, now)
        if linger.due_at <= now + 1 / 300:
            linger.record_write(now)
    linger.record_write(now)
    for _ in range(3):
        now += 1 / 300
        linger.record_request(1, now)
        assert now + 0.01 < linger.due_at < now + 0.02


def test_nothing_is_due_while_nothing_waits() -> None:
    linger = AdaptiveLinger(MEDIUM)
    assert linger.due_at == inf
    linger.record_request(1, 100.0)
    assert linger.due_at == 100.0, "the first request after a pause"
    linger.record_write(100.0)
    assert linger.due_at == inf
