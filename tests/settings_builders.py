"""Settings for tests: the defaults of faust.yml, with the changes that a test is about."""

from typing import Any

import msgspec

from agents.providers.http import HttpLimits
from app.connection_settings import KafkaSection
from app.retry_settings import build_retry_policy as build_policy
from app.settings import Settings, load_settings
from schemas.channels import ChannelName
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy

DEFAULT_SETTINGS: Settings = load_settings({})


def build_kafka_section(bootstrap_servers: str, topic_prefix: str = "", **changes: Any) -> KafkaSection:
    """The section `kafka`; `changes` are fields of KafkaSection."""
    return msgspec.structs.replace(DEFAULT_SETTINGS.kafka, bootstrap_servers=bootstrap_servers, topic_prefix=topic_prefix, **changes)


def build_http_limits(**changes: Any) -> HttpLimits:
    """Build the limits of a delivery worker's HTTP client; `changes` are fields of HttpLimits."""
    section = DEFAULT_SETTINGS.delivery
    fields = {
        "max_connections": section.max_concurrent_calls,
        "connect_timeout": section.connect_timeout,
        "request_timeout": section.request_timeout,
    }
    return HttpLimits(**{**fields, **changes})


def build_concurrency_limits(**changes: Any) -> ConcurrencyLimits:
    """Build the limits of an e-mail worker; `changes` are fields of ConcurrencyLimits."""
    section = DEFAULT_SETTINGS.delivery
    limits = ConcurrencyLimits(section.max_concurrent_calls, section.reserved_calls_high, section.max_concurrent_calls)
    return msgspec.structs.replace(limits, **changes)


def build_retry_policy(channel: ChannelName, **changes: Any) -> RetryPolicy:
    """Build the retry policy of a channel; `changes` are fields of RetryPolicy."""
    return msgspec.structs.replace(build_policy(DEFAULT_SETTINGS.retries, channel), **changes)
