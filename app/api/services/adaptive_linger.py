"""Decides how long the records of one priority wait for others, so that one produce request takes those of several HTTP requests.

A client that waits for its response before it sends the next request is slowed by a linger. If all clients do, fewer requests come late in
a linger than their rate promises, or the rate falls while records linger. Both are measured. Then nothing lingers any more but in a rare
test, which shows whether that has changed.
"""

from math import inf, sqrt

from app.arrival_rate import RATE_PERIOD, ArrivalRate

FULL_RECORDS = 16  # records that make the costs of a produce request small; none waits longer for more
PAUSE_GAPS = 4.0  # mean distances between two requests; after so long without one, a linger ends
MIN_EXPECTED = 2.0  # requests; a linger is worth it, and a test can be judged, only if so many are expected
MIN_EXPECTED_ENABLED = 8.0  # requests; the same while lingers are enabled; of random requests, chance still disables them once in 25 times
MIN_LATE_SHARE = 0.4  # of the requests expected in the later halves of lingers
MAX_RATE_DROP = 2.5  # standard deviations of the difference of two rates
FIRST_TEST_DELAY = 3 * RATE_PERIOD  # after the rate has become high enough; until then it is not known well
FIRST_TEST_INTERVAL = 1.0  # seconds; each further one is twice as long
MAX_TEST_INTERVAL = 5.0  # seconds; so tests of up to 100 ms, some of them twice, slow a client that waits for its responses by at most 4 %


class AdaptiveLinger:
    """When the records that wait are due. A linger begins with the first request after a write; all times in seconds."""

    def __init__(self, max_linger: float) -> None:
        self._max_linger = max_linger
        self._rate = ArrivalRate()
        self._arrivals: list[float] = []  # of the requests that wait
        self._records = 0  # that wait
        self._end_at = 0.0  # of the linger; it ends earlier if requests pause
        self._start_rate = 0.0  # requests per second, when it began
        self._is_enabled = False  # whether a linger is worth it, by the last judgement
        self._max_rate = 0.0  # requests per second, the most since it is
        self._test_at, self._test_interval = inf, FIRST_TEST_INTERVAL
        self._expected = self._late = 0.0  # requests in the later halves of the lingers since the last judgement
        self.due_at = inf  # infinite while nothing waits

    def record_request(self, records: int, now: float) -> None:
        """Record an HTTP request with so many records, which wait from now on."""
        rate = self._rate.record(1, now)
        if not self._arrivals:
            self._start(rate, now)
        self._arrivals.append(now)
        self._records += records
        if self._records >= FULL_RECORDS:
            self._end_at = min(self._end_at, now)
        self.due_at = min(self._end_at, now + PAUSE_GAPS / rate)

    def record_write(self, now: float) -> None:
        """Record that all records that waited are written, whether they were due or not."""
        if self._arrivals:
            self._judge(min(now, self._end_at))
            self._arrivals.clear()
            self._records, self.due_at = 0, inf

    def _start(self, rate: float, now: float) -> None:
        expected = rate * self._max_linger
        if expected < MIN_EXPECTED / 2:
            self._test_at = inf
        elif self._test_at == inf:
            self._test_at = now + FIRST_TEST_DELAY
        is_worth_it = expected >= MIN_EXPECTED and (self._is_enabled or now >= self._test_at)
        self._end_at = now + self._max_linger if is_worth_it else now
        self._start_rate = rate

    def _judge(self, end: float) -> None:
        middle = (self._arrivals[0] + end) / 2
        self._expected += self._start_rate * (end - middle)
        self._late += sum(middle < arrival <= end for arrival in self._arrivals)
        if self._expected < (MIN_EXPECTED_ENABLED if self._is_enabled else MIN_EXPECTED):
            return
        self._max_rate = max(self._max_rate, self._start_rate) if self._is_enabled else self._start_rate
        if self._start_rate < self._max_rate - MAX_RATE_DROP * sqrt(self._max_rate):
            self._disable(end, MAX_TEST_INTERVAL)
        elif self._late < self._expected * MIN_LATE_SHARE:
            self._disable(end, self._test_interval)
        else:
            self._is_enabled, self._test_interval = True, self._max_linger  # if chance disables it, the next test is soon
        self._expected = self._late = 0.0

    def _disable(self, now: float, test_interval: float) -> None:
        self._is_enabled = False
        self._test_at = now + test_interval
        self._test_interval = min(2 * test_interval, MAX_TEST_INTERVAL)
