"""The receipts of accounts are compared, and move their weights."""

from collections.abc import Sequence

import pytest

from agents.delivery.receipt_watch import INTERVAL, MIN_MESSAGES, PATIENCE, WINDOW, ReceiptWatch
from schemas.errors import UnavailableError
from schemas.history import ReceiptCount
from tests.delivery_builders import NOW
from tests.unit.agents.delivery.test_account_set import Clock, build_set


class Counter:
    """Counts that a test gives; without any the history does not answer."""

    def __init__(self, *counts: ReceiptCount) -> None:
        self.counts: Sequence[ReceiptCount] | None = counts
        self.questions: list[tuple[Sequence[str], float, float]] = []

    async def count_receipts(self, providers: Sequence[str], since: float, until: float, limit: int) -> Sequence[ReceiptCount]:
        self.questions.append((providers, since, until))
        if self.counts is None:
            raise UnavailableError("away")
        return self.counts


async def compare(*counts: ReceiptCount) -> float:
    """The share of the account a after a comparison."""
    accounts = build_set(Clock(), a=50, b=50)
    await ReceiptWatch(accounts, ["a", "b"], Counter(*counts), Clock(), sleep_never).compare()
    return accounts.get_weights(NOW)["a"]


async def sleep_never(seconds: float) -> None:
    raise AssertionError("one comparison does not sleep")


async def test_an_account_with_half_of_the_others_receipts_gets_a_quarter_of_its_weight() -> None:
    assert await compare(ReceiptCount("a", 100, 40), ReceiptCount("b", 100, 80)) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "counts",
    [
        (ReceiptCount("a", 100, 75), ReceiptCount("b", 100, 80)),
        (ReceiptCount("a", MIN_MESSAGES - 1, 0), ReceiptCount("b", 100, 80)),
        (ReceiptCount("b", 100, 80),),
        (ReceiptCount("a", 100, 0), ReceiptCount("b", 100, 0)),
        (),
    ],
)
async def test_what_tells_nothing_changes_nothing(counts: tuple[ReceiptCount, ...]) -> None:
    assert await compare(*counts) == 0.5


async def test_without_an_answer_the_last_comparison_stays() -> None:
    accounts, counter = build_set(Clock(), a=50, b=50), Counter(ReceiptCount("a", 100, 0), ReceiptCount("b", 100, 80))
    watch = ReceiptWatch(accounts, ["a", "b"], counter, Clock(), sleep_never)
    await watch.compare()
    counter.counts = None
    await watch.compare()
    assert accounts.get_weights(NOW)["a"] < 0.02
    counter.counts = (ReceiptCount("a", 100, 80), ReceiptCount("b", 100, 80))
    await watch.compare()
    assert accounts.get_weights(NOW)["a"] == 0.5
    assert counter.questions == [(["a", "b"], NOW - PATIENCE - WINDOW, NOW - PATIENCE)] * 3


async def test_it_compares_again_and_again() -> None:
    counter, slept = Counter(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await ReceiptWatch(build_set(Clock(), a=1, b=1), ["a", "b"], counter, Clock(), sleep).run()
    assert (slept, len(counter.questions)) == ([INTERVAL] * 3, 2)
