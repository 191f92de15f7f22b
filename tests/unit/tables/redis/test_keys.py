"""The names of Redis keys and their times to live."""

from schemas.lifetimes import DAY
from tables.redis import keys
from tables.redis.keys import IDEMPOTENCY, PROFILE


def test_a_key_consists_of_prefix_family_and_part() -> None:
    assert PROFILE.build_key("", "u-42") == "profile-2:u-42"
    assert IDEMPOTENCY.build_key("blue.", "a:b") == "blue.idem:a:b"


def test_every_time_to_live_is_at_most_a_day() -> None:
    ttls = [value for name, value in vars(keys).items() if name.endswith("_TTL")]
    assert ttls
    assert all(0 < ttl <= DAY for ttl in ttls)
