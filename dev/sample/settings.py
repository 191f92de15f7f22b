"""The settings of one run of the sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.kafka.client_options import ClientOptions, build_client_options
from app.settings import Settings
from schemas.channels import ChannelName

RECEIPT_TIMEOUT = 5  # seconds; the simulators report within one, or never, and then a line counts as SENT
RUN_TIMEOUT = 120.0  # seconds; of a run, if the command has no other


@dataclass(frozen=True)
class SampleSettings:
    """The addresses of the running stack; `receipt_timeouts` in seconds per channel.

    `run_timeout`: seconds from the first submission; lines that are not final then are in flight or lost.
    """

    kafka: ClientOptions = field(repr=False)
    database_url: str
    api_url: str
    api_key: str = field(repr=False)
    simulators_url: str
    receipt_timeouts: Mapping[ChannelName, int]
    partitions: int
    topic_prefix: str
    run_timeout: float


def build_sample_settings(settings: Settings, run_timeout: float = RUN_TIMEOUT) -> SampleSettings:
    """Build the settings of the sample from those of the process. Raises SettingError."""
    return SampleSettings(
        kafka=build_client_options(settings.kafka),
        database_url=settings.postgres.url,
        api_url=f"http://{settings.gateway.host}:{settings.gateway.port}",
        api_key=settings.gateway.api_key,
        simulators_url=settings.simulators.url.rstrip("/"),
        receipt_timeouts={channel: min(seconds, RECEIPT_TIMEOUT) for channel, seconds in settings.receipt_timeouts.items()},
        partitions=settings.kafka.topic_partitions,
        topic_prefix=settings.kafka.topic_prefix,
        run_timeout=run_timeout,
    )
