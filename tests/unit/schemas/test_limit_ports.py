from schemas.limit_ports import Quota, build_quota


def test_quota_of_a_rate_has_the_interval_between_two_permits() -> None:
    assert build_quota("ip:192.0.2.1", 20, 100) == Quota("ip:192.0.2.1", 1 / 20, 100)


def test_quota_admits_at_least_one() -> None:
    assert build_quota("ip:192.0.2.1", 0.5, 0) == Quota("ip:192.0.2.1", 2, 1)
