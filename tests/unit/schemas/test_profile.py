"""A profile in the cache is JSON."""

import msgspec

from schemas.profile import Profile


def test_a_profile_survives_json() -> None:
    profile = Profile("u", addresses={"email": ["a@x"], "push": ["t1", "t2"]}, locale="de-AT", version=7)
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile) == profile
    assert msgspec.json.decode(msgspec.json.encode(Profile("u-missing", known=False)), type=Profile).known is False
