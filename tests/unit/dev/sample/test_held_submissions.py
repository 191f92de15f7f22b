"""Whenever the sample runs, one of the seeded users has quiet hours that outlast the run."""

from hypothesis import given
from hypothesis import strategies as st

from agents.router.quiet_hours import find_quiet_end
from dev.sample.guests import PROFILES
from dev.sample.held_submissions import select_quiet_user
from dev.sample.settings import RUN_TIMEOUT

YEAR = 365 * 86_400
START = 1_760_000_000  # in the year 2025; a year has both changes of the clocks


@given(st.integers(START, START + YEAR).map(float))
def test_one_user_has_quiet_hours_at_any_time(now: float) -> None:
    profile = PROFILES[select_quiet_user(now)]
    assert profile.quiet_hours is not None
    end = find_quiet_end(profile.quiet_hours, profile.time_zone, now)
    assert end is not None
    assert end - now > 10 * RUN_TIMEOUT


def test_their_addresses_are_on_the_same_channels() -> None:
    channels = {tuple(sorted(profile.addresses)) for profile in PROFILES.values() if profile.quiet_hours}
    assert channels == {("email", "push")}
