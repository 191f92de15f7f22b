"""The metrics of several processes as those of one."""

from app.api.shared_metrics import SLOT_BYTES, FamilyValues, SharedMetrics, SharedSlots
from app.telemetry import Metrics
from schemas.metrics import HTTP_REQUEST_DURATION, HTTP_REQUESTS, POLICY_AGE


def read_samples(metrics: Metrics) -> dict[str, float]:
    lines = metrics.encode_metrics().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def is_creation_time(line: str) -> bool:
    """Whether a sample says when its counter was made, with labels or without."""
    return line.partition(" ")[0].partition("{")[0].endswith("_created")


def count_requests(metrics: Metrics, requests: int, policy_age: float = 0.0) -> None:
    metrics.set_gauge_function(POLICY_AGE, lambda: policy_age, "gateway")
    for _ in range(requests):
        metrics.increment(HTTP_REQUESTS, 1, "/", "202")
        metrics.observe_duration(HTTP_REQUEST_DURATION, 0.02, "/")


def test_one_process_shows_the_same_page_as_without_sharing() -> None:
    alone, shared = Metrics(), SharedMetrics(SharedSlots(1), 0)
    for metrics in (alone, shared):
        count_requests(metrics, 3, policy_age=7.0)
    pages = [[line for line in metrics.encode_metrics().decode().splitlines() if not is_creation_time(line)] for metrics in (alone, shared)]
    assert pages[0] == pages[1]


def test_each_process_shows_the_sum_of_all() -> None:
    slots = SharedSlots(3)
    processes = [SharedMetrics(slots, number) for number in range(3)]
    for number, metrics in enumerate(processes, 1):
        count_requests(metrics, number, policy_age=10.0 * number)
        metrics.write_snapshot()
    for metrics in processes:
        samples = read_samples(metrics)
        assert samples['herold_http_requests_total{route="/",status_code="202"}'] == 6
        assert samples['herold_http_request_duration_seconds_bucket{le="0.025",route="/"}'] == 6
        assert samples['herold_http_request_duration_seconds_bucket{le="0.01",route="/"}'] == 0
        assert samples['herold_policy_age_seconds{role="gateway"}'] == 30


def test_a_process_goes_on_with_the_counts_of_the_one_before() -> None:
    slots = SharedSlots(2)
    first = SharedMetrics(slots, 0)
    count_requests(first, 2, policy_age=100.0)
    first.write_snapshot()
    second = SharedMetrics(slots, 0)
    count_requests(second, 1, policy_age=1.0)
    second.write_snapshot()
    third = SharedMetrics(slots, 0)
    assert read_samples(third)['herold_http_requests_total{route="/",status_code="202"}'] == 3
    assert read_samples(second)['herold_policy_age_seconds{role="gateway"}'] == 1


def test_a_snapshot_that_is_damaged_or_too_large_is_not_read() -> None:
    slots = SharedSlots(2)
    slots.write(0, {"a": FamilyValues("", "counter", {"x": 1.0})})
    slots.write(0, {"a": FamilyValues("x" * SLOT_BYTES, "counter", {})})
    assert slots.read(0)["a"].values == {"x": 1.0}
    slots._memory[8:12] = b"\xc1\xc1\xc1\xc1"
    assert slots.read(0) == {}
    assert slots.read(1) == {}
