"""The sections `retries` and `breaker` of faust.yml as the policies of a channel."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta

from app.settings import DeliverySection
from app.settings_types import PositiveInt, PositiveSeconds, Section, build_section
from schemas.channels import CHANNEL_NAMES, Channel, ChannelName
from schemas.delivery_policy import BreakerPolicy, OpenDelays, RetryBudgetPolicy, RetryPolicy, RetrySchedule
from schemas.errors import SettingError

_CATEGORIES = "categories"


class ChannelRetries(Section, frozen=True):
    """The retries of one channel; `delays` and `jitter` are numbers, separated by commas."""

    delays: str
    jitter: str
    max_retry_after: PositiveSeconds


def build_retry_policy(values: Mapping[str, Any], channel: ChannelName) -> RetryPolicy:
    """The retry policy of a channel. Raises SettingError, which names the key that is wrong."""
    if set(values) != {*CHANNEL_NAMES, _CATEGORIES}:
        raise SettingError("retries", f"must have the keys {sorted((*CHANNEL_NAMES, _CATEGORIES))}; it has {sorted(values)}")
    name = f"retries.{channel}"
    if not isinstance(values[channel], Mapping):
        raise SettingError(name, "must be a section with keys of its own")
    section = build_section(name, {key: str(value) for key, value in values[channel].items()}, ChannelRetries)
    jitter = _parse_numbers(f"{name}.jitter", section.jitter)
    if len(jitter) != 2 or jitter[0] > jitter[1]:
        raise SettingError(f"{name}.jitter", f"{section.jitter!r} does not fit: it must be two numbers, the lesser one first")
    min_factor, max_factor = jitter
    schedule = RetrySchedule(_parse_numbers(f"{name}.delays", section.delays), min_factor, max_factor)
    category_schedules = {
        category: RetrySchedule(delays, min_factor, max_factor)
        for of_channel, category, delays in _parse_categories(str(values[_CATEGORIES]))
        if of_channel == channel
    }
    return RetryPolicy(schedule, section.max_retry_after, category_schedules)


class BreakerSection(Section, frozen=True):
    """The breakers of all accounts."""

    window: PositiveSeconds
    min_calls: PositiveInt
    failure_ratio: Annotated[float, Meta(gt=0, le=1)]
    consecutive_failures: PositiveInt
    open_delay: PositiveSeconds
    open_delay_max: PositiveSeconds
    retry_budget: Annotated[float, Meta(ge=0, le=1)]
    min_failed_retries: PositiveInt
    max_wait: PositiveSeconds


def parse_resend_delays(text: str) -> tuple[float, ...]:
    """The delays of `recorder.resend_delays`. Raises SettingError."""
    return _parse_numbers("recorder.resend_delays", text)


def build_breaker_policy(values: Mapping[str, Any], delivery: DeliverySection, channel: Channel, max_retry_after: float) -> BreakerPolicy:
    """The breaker policy of a channel. Raises SettingError, which names the key that is wrong."""
    section = build_section("breaker", values, BreakerSection)
    probe_delays = OpenDelays(delivery.account_probe_delay, delivery.account_probe_delay_max)
    return BreakerPolicy(
        failures=OpenDelays(section.open_delay, section.open_delay_max),
        throttled=probe_delays,
        credentials=probe_delays,
        max_retry_after=max_retry_after,
        window=section.window,
        min_calls=section.min_calls,
        failure_ratio=section.failure_ratio,
        consecutive_failures=section.consecutive_failures,
        leaves=channel.is_limited_per_host,  # the other channels have one account, so that nothing is behind what waits
        max_wait=section.max_wait,
        retry_budget=RetryBudgetPolicy(section.retry_budget, section.min_failed_retries),
    )


def _parse_categories(text: str) -> Iterator[tuple[str, str, tuple[float, ...]]]:
    """Channel, category and delays of each part of the text."""
    key = f"retries.{_CATEGORIES}"
    for part in filter(str.strip, text.split(";")):
        name, equals, delays = part.partition("=")
        channel, dot, category = name.strip().partition(".")
        if not (equals and dot and category) or channel not in CHANNEL_NAMES:
            raise SettingError(key, f"{part.strip()!r} does not fit: it must be like email.security=1, 2, 4")
        yield channel, category, _parse_numbers(key, delays)


def _parse_numbers(key: str, text: str) -> tuple[float, ...]:
    """Numbers of at least 0, separated by commas; none in an empty text."""
    try:
        numbers = tuple(map(float, filter(str.strip, text.split(","))))
    except ValueError:
        numbers = (-1.0,)
    if not all(0 <= number < float("inf") for number in numbers):
        raise SettingError(key, f"{text!r} does not fit: it must be numbers of at least 0, separated by commas")
    return numbers
