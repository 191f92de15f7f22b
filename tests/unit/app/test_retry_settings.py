"""The section `retries` becomes a policy for each channel, and a bad value names its key."""

import pytest

from app.retry_settings import build_breaker_policy, build_retry_policy
from app.settings import load_settings
from schemas.channels import CHANNEL_NAMES, CHANNELS, ChannelName, get_channel
from schemas.delivery_policy import BreakerPolicy, OpenDelays, RetryPolicy, RetrySchedule
from schemas.errors import SettingError
from schemas.lifetimes import ATTEMPT_ROWS


def build(channel: ChannelName, **env: str) -> RetryPolicy:
    return build_retry_policy(load_settings({f"HEROLD_RETRIES_{name}": value for name, value in env.items()}).retries, channel)


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_messages_have_equal_jitter_and_eight_attempts(channel: ChannelName) -> None:
    assert build(channel).schedule == RetrySchedule((2, 4, 8, 16, 32, 64, 128), 0.5, 1.0)


def test_webhooks_have_the_schedule_of_standard_webhooks() -> None:
    hours = (2, 5, 10, 14, 20, 24)
    assert build("webhook").schedule == RetrySchedule((5, 300, 1800, *(3600 * number for number in hours)), 0.8, 1.2)


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
def test_the_row_of_an_attempt_is_there_when_the_next_one_comes(channel: ChannelName) -> None:
    policy = build(channel)
    assert max(*policy.schedule.delays, policy.max_retry_after) * policy.schedule.max_factor < ATTEMPT_ROWS


def test_the_environment_changes_the_schedule() -> None:
    assert build("email", EMAIL_DELAYS="0.5,2", EMAIL_JITTER="1,1", EMAIL_MAX_RETRY_AFTER="7") == RetryPolicy(RetrySchedule((0.5, 2)), 7)
    assert build("email", EMAIL_DELAYS="").schedule.delays == ()


def test_categories_have_schedules_of_their_own() -> None:
    env = {"CATEGORIES": "email.security=1, 2; push.marketing=60;email.marketing="}
    assert build("email", **env).category_schedules == {
        "security": RetrySchedule((1, 2), 0.5, 1.0),
        "marketing": RetrySchedule((), 0.5, 1.0),
    }
    assert build("sms", **env).category_schedules == {}


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("EMAIL_DELAYS", "1, soon", "retries.email.delays: '1, soon' does not fit"),
        ("EMAIL_DELAYS", "1, -2", "retries.email.delays"),
        ("EMAIL_DELAYS", "inf", "retries.email.delays"),
        ("EMAIL_DELAYS", "nan", "retries.email.delays"),
        ("EMAIL_JITTER", "1, 0.5", "retries.email.jitter"),
        ("EMAIL_JITTER", "1", "retries.email.jitter"),
        ("EMAIL_MAX_RETRY_AFTER", "0", "retries.email.max_retry_after"),
        ("CATEGORIES", "security=1", "retries.categories: 'security=1' does not fit"),
        ("CATEGORIES", "fax.security=1", "retries.categories"),
        ("CATEGORIES", "email.security=x", "retries.categories"),
    ],
)
def test_a_bad_value_names_its_key(name: str, value: str, named: str) -> None:
    with pytest.raises(SettingError, match=named):
        build("email", **{name: value})


def test_the_breaker_of_webhook_hosts_lets_what_waits_leave() -> None:
    settings = load_settings({"HEROLD_BREAKER_OPEN_DELAY": "0.5"})
    policies = {channel.name: build_breaker_policy(settings.breaker, settings.delivery, channel, 900.0) for channel in CHANNELS}
    assert [name for name, policy in policies.items() if policy.leaves] == ["webhook"]
    assert policies["email"] == BreakerPolicy(OpenDelays(0.5, 300.0), OpenDelays(1.0, 60.0), OpenDelays(1.0, 60.0), 900.0)


@pytest.mark.parametrize(("name", "value"), [("FAILURE_RATIO", "0"), ("FAILURE_RATIO", "1.1"), ("MIN_CALLS", "0"), ("WINDOW", "soon")])
def test_a_bad_value_of_the_breaker_names_its_key(name: str, value: str) -> None:
    settings = load_settings({f"HEROLD_BREAKER_{name}": value})
    with pytest.raises(SettingError, match=f"breaker.{name.lower()}"):
        build_breaker_policy(settings.breaker, settings.delivery, get_channel("email"), 900.0)


def test_a_channel_without_retries_is_named() -> None:
    with pytest.raises(SettingError, match="retries: must have the keys"):
        build_retry_policy({"email": {}}, "email")
    with pytest.raises(SettingError, match=r"retries\.sms"):
        build_retry_policy({**load_settings({}).retries, "sms": "2, 4"}, "sms")
