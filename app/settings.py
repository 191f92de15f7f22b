"""Settings: faust.yml with the environment over it, as one frozen value; a bad one stops the start and names its key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.account_settings import add_account_sections, fill_account_sections
from app.analytics_settings import AnalyticsSection
from app.auth_settings import AuthSection
from app.connection_settings import KafkaSection, PostgresSection, RedisSection, complete_postgres, complete_redis
from app.encryption.section import EncryptionSection
from app.receipt_channels import select_receipt_timeouts
from app.secret_files import add_file_keys, read_secret_files
from app.settings_environment import apply_environment, override_section
from app.settings_types import (
    CallbackBytes,
    Cost,
    DrainSeconds,
    LingerSeconds,
    NonEmptyStr,
    NonNegativeInt,
    Port,
    PositiveInt,
    PositiveSeconds,
    Rate,
    Seconds,
    Section,
    Share,
    build_section,
    convert_value,
)
from schemas.channels import CHANNEL_NAMES, CHANNELS, ChannelName
from schemas.errors import SettingError
from tables.yaml_parser import parse_yaml

SETTINGS_FILE = Path(__file__).resolve().parent.parent / "faust.yml"
OPEN_SECTIONS = ("providers", "accounts", "retries", "breaker", "receipt_timeouts", "costs")
"""Sections whose keys the providers and the catalogue of channels declare."""


class ServiceSection(Section, frozen=True):
    log_level: Literal["debug", "info", "warning", "error"]


class WorkerSection(Section, frozen=True):
    data_dir: NonEmptyStr
    instance_id: NonEmptyStr
    fetch_max_wait: Seconds
    gathering_time_high: Seconds
    gathering_time_medium: Seconds
    gathering_time_low: Seconds
    max_in_flight_bytes: PositiveInt
    commit_interval: Seconds
    drain_timeout: DrainSeconds
    shutdown_timeout: PositiveSeconds
    standby_replicas: NonNegativeInt
    on_position_jump: Literal["continue", "stop"]
    max_dead_letters: PositiveInt
    max_dead_letter_share: Share
    web_bind: NonEmptyStr
    web_port: Port
    web_token: str
    web_allow_public: bool
    web_protect_all: bool
    web_tls_certificate_file: str
    web_tls_key_file: str
    web_tls_key_password: str
    web_tls_ca_file: str


class RouterSection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_batch_records_medium_busy: PositiveInt
    max_batch_records_low_busy: PositiveInt
    max_in_flight_batches: PositiveInt
    linger: Seconds
    max_parked_records: PositiveInt
    max_parked_bytes: PositiveInt
    policy_refresh_interval: Seconds


class DeliverySection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_batch_records_medium_busy: PositiveInt
    max_batch_records_low_busy: PositiveInt
    max_in_flight_batches: PositiveInt
    max_concurrent_calls: PositiveInt
    reserved_calls_high: NonNegativeInt
    min_concurrent_calls: PositiveInt
    max_concurrent_calls_per_host: PositiveInt
    max_deliveries_per_call: Annotated[int, Meta(ge=1, le=1000)]
    http_client: Literal["pooled", "aiohttp"]
    connect_timeout: Seconds
    request_timeout: Seconds
    unanswered_grace_high: Seconds
    unanswered_grace_medium: Seconds
    unanswered_grace_low: Seconds
    endpoint_refresh_interval: Seconds
    account_half_life: PositiveSeconds
    account_probe_delay: PositiveSeconds
    account_probe_delay_max: PositiveSeconds
    max_waiting_records: NonNegativeInt
    max_waiting_bytes: NonNegativeInt
    ordered_window: Annotated[int, Meta(ge=1, le=1000)]
    ordered_queue: Annotated[int, Meta(ge=1, le=10_000)]
    redrive_after_outage: NonNegativeInt
    pause_refresh_interval: PositiveSeconds
    linger: Seconds
    linger_max_records: PositiveInt


class BounceGuardSection(Section, frozen=True):
    max_percent: Annotated[float, Meta(ge=0, le=100)]
    min_sent: PositiveInt
    hold: PositiveSeconds
    interval: PositiveSeconds


class SchedulerSection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_in_flight_batches: PositiveInt
    linger: Seconds
    release_interval: PositiveSeconds
    max_release_entries: PositiveInt
    broadcast_interval: PositiveSeconds
    broadcast_lease: PositiveSeconds
    max_broadcast_page: PositiveInt
    suppression_sync_interval: Seconds
    max_redrive_page: PositiveInt


class RecorderSection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_in_flight_batches: PositiveInt
    gathering_time: Seconds
    linger: Seconds
    linger_max_events: PositiveInt
    disable_endpoints_after: Seconds
    resend_delays: str


class GatewaySection(Section, frozen=True):
    host: NonEmptyStr
    port: Port
    processes: PositiveInt
    api_key: str
    produce_timeout: Seconds
    linger_high: LingerSeconds
    linger_medium: LingerSeconds
    linger_low: LingerSeconds
    max_body_bytes: PositiveInt
    max_callback_bytes: CallbackBytes
    max_header_bytes: PositiveInt
    header_timeout: Seconds
    body_timeout: Seconds
    max_connections: PositiveInt
    api_key_outage_limit: Seconds
    projects: bool
    tls_certificate_file: str
    tls_key_file: str
    tls_key_password: str
    tls_min_version: Literal["1.2", "1.3"]
    tls_ca_file: str
    cors_origins: str
    max_live_clients: PositiveInt
    live_buffer_records: PositiveInt
    trusted_proxies: str
    response_timeout: PositiveSeconds
    simulators_url: str


class LimitsSection(Section, frozen=True):
    ip_per_second: Rate
    ip_burst: PositiveInt
    key_per_second: Rate
    key_burst: PositiveInt
    account_per_second: Rate
    account_burst: PositiveInt
    project_per_second: Rate
    project_burst: PositiveInt
    rejected_per_second: Rate
    rejected_burst: PositiveInt


class LinksSection(Section, frozen=True):
    base_url: str
    secret: str
    unsubscribe_mailbox: str


class TemplatesSection(Section, frozen=True):
    publish_payloads: NonNegativeInt
    publish_scan_records: PositiveInt


class AuditSection(Section, frozen=True):
    signing_key: str
    link_interval: PositiveSeconds
    checkpoint_interval: Seconds
    checkpoint_entries: PositiveInt


class TestAccountsSection(Section, frozen=True):
    email: str
    sms: str
    push: str


class SimulatorsSection(Section, frozen=True):
    url: NonEmptyStr


class Settings(Section, frozen=True):
    """All settings of one process."""

    service: ServiceSection
    kafka: KafkaSection
    postgres: PostgresSection
    redis: RedisSection
    worker: WorkerSection
    router: RouterSection
    delivery: DeliverySection
    retries: Mapping[str, Any]
    bounce_guard: BounceGuardSection
    breaker: Mapping[str, Any]
    scheduler: SchedulerSection
    recorder: RecorderSection
    gateway: GatewaySection
    limits: LimitsSection
    encryption: EncryptionSection
    auth: AuthSection
    links: LinksSection
    providers: Mapping[str, Mapping[str, Any]]
    accounts: Mapping[ChannelName, str]
    test_accounts: TestAccountsSection
    receipt_timeouts: Mapping[ChannelName, int]
    templates: TemplatesSection
    costs: Mapping[ChannelName, float]
    analytics: AnalyticsSection
    simulators: SimulatorsSection
    audit: AuditSection


def find_home_dir(env: Mapping[str, str], cwd: Path) -> Path:
    """HEROLD_HOME, or `.herold` in the working directory; absolute."""
    return Path(cwd, env.get("HEROLD_HOME") or ".herold").resolve()


def load_settings(env: Mapping[str, str] | None = None, path: Path = SETTINGS_FILE) -> Settings:
    """The settings of this process: the file with the environment over it. Raises SettingError, which names the key that is wrong."""
    env = os.environ if env is None else env
    tree = _read_file(path)
    default_urls = add_file_keys(tree)
    for section in ("accounts", "test_accounts"):
        override_section(section, tree[section], env)
    add_account_sections(tree)
    apply_environment(tree, env)
    read_secret_files(tree, default_urls)
    fill_account_sections(tree)
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    sections: dict[str, Any] = {
        name: build_section(name, values, types[name]) for name, values in tree.items() if name not in OPEN_SECTIONS
    }
    sections["postgres"], sections["redis"] = complete_postgres(sections["postgres"]), complete_redis(sections["redis"])
    accounts = {channel: str(tree["accounts"][channel]) for channel in CHANNEL_NAMES}
    return Settings(
        **sections,
        providers=tree["providers"],
        accounts=accounts,
        retries=tree["retries"],
        breaker=tree["breaker"],
        receipt_timeouts=select_receipt_timeouts(_build_receipt_timeouts(tree["receipt_timeouts"]), tree["providers"], accounts),
        costs=_build_costs(tree["costs"]),
    )


def _build_receipt_timeouts(values: Mapping[str, Any]) -> dict[ChannelName, int]:
    expected = {channel.name for channel in CHANNELS if channel.has_receipts}
    if set(values) != expected:
        raise SettingError("receipt_timeouts", f"must have the channels with receipts, {sorted(expected)}; it has {sorted(values)}")
    return {name: convert_value(f"receipt_timeouts.{name}", values[name], NonNegativeInt) for name in expected}


def _build_costs(values: Mapping[str, Any]) -> dict[ChannelName, float]:
    if set(values) != set(CHANNEL_NAMES):
        raise SettingError("costs", f"must have the channels {sorted(CHANNEL_NAMES)}; it has {sorted(values)}")
    return {name: convert_value(f"costs.{name}", values[name], Cost) for name in CHANNEL_NAMES}


def _read_file(path: Path) -> dict[str, dict[str, Any]]:
    tree = parse_yaml(path.read_text("utf-8"))
    expected = set(Settings.__struct_fields__)
    if not isinstance(tree, dict) or set(tree) != expected or not all(isinstance(section, dict) for section in tree.values()):
        actual = sorted(map(str, tree)) if isinstance(tree, dict) else tree
        raise SettingError(str(path), f"must have the sections {sorted(expected)}, has {actual}")
    return tree
