"""What the bench, the load generator and the sink send to each other: one JSON object per line."""

import os
from typing import Any

import msgspec
from msgspec import Struct

from schemas.channels import ChannelName


class Load(Struct, frozen=True, kw_only=True):
    """What a load generator does: `clients` in a closed loop, or `rate` notifications per second on a schedule of its own."""

    channel: ChannelName
    priority: str
    sink: str  # origin
    first_number: int
    seconds: float
    warm_up_seconds: float = 0.0  # at the rate, before the measurement
    answer_timeout: float = 30.0  # seconds after the last notification
    clients: int = 0
    rate: float = 0.0
    gateway: str = ""  # host:port; empty: over Kafka
    api_key: str = ""
    has_idempotency_keys: bool = False
    kafka: str = ""
    topic: str = ""
    partitions: int = 0


class LoadEvent(Struct, frozen=True):
    """The measurement of a load begins or ends: `measuring` or `sent`."""

    event: str


class LoadResult(Struct, frozen=True):
    """What a load generator did; times are of the monotonic clock, in seconds, of the notifications from the first number on."""

    due: list[float]  # when the schedule or the closed loop sent each
    sent: list[float]
    answered: list[float]  # 0.0 without a confirmation
    warm_up_count: int


class Arrivals(Struct, frozen=True):
    """What arrived at the sink since the last report."""

    numbers: list[int]
    times: list[float]
    error: str


class ArrivalCount(Struct, frozen=True):
    """How many notifications have arrived at the sink since the last report, without duplicates."""

    count: int
    error: str


def write_message(message: Any, file: int = 1) -> None:
    """Write a message to a file descriptor, the output by default; an unbuffered `print` would lose the rest after a short write."""
    line = memoryview(msgspec.json.encode(message) + b"\n")
    while line:
        line = line[os.write(file, line) :]
