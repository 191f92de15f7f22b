"""Names of keys."""

from tables.redis import keys
from tables.redis.keys import IDEMPOTENCY_RESPONSE, PROFILE, KeyFamily


def test_a_key_is_named_by_installation_family_and_part() -> None:
    assert PROFILE.build_key("", "u-42") == "profile:u-42"
    assert IDEMPOTENCY_RESPONSE.build_key("blue.", "a:b") == "blue.idem:a:b"


def test_every_key_lives_for_a_time_and_not_longer_than_a_day() -> None:
    declared = [value for value in vars(keys).values() if isinstance(value, KeyFamily)]
    assert len(declared) == 5
    assert all(0 < key.ttl_seconds <= keys.SECONDS_PER_DAY for key in declared)
