"""Settings: faust.yml with the environment over it, as one frozen value; a bad one stops the start and names its key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from app.account_settings import add_account_sections, fill_account_sections
from app.receipt_channels import select_receipt_timeouts
from app.settings_environment import apply_environment, override_section
from schemas.channels import CHANNEL_NAMES, CHANNELS, ChannelName
from schemas.errors import SettingError
from schemas.json_errors import describe_decode_error
from tables.yaml_parser import parse_yaml

SETTINGS_FILE = Path(__file__).resolve().parent.parent / "faust.yml"
PositiveInt = Annotated[int, Meta(ge=1)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
Cost = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
DrainSeconds = Annotated[float, Meta(ge=0, lt=60)]  # faust_config.REBALANCE_TIMEOUT
ConsentSeconds = Annotated[float, Meta(ge=0, le=2)]  # with schemas.consent.MAX_CONSENT_AGE less than the 5 s of an opt-out
LingerSeconds = Annotated[float, Meta(ge=0, le=1)]  # an HTTP client waits meanwhile
CallbackBytes = Annotated[int, Meta(ge=1, le=5_000_000)]  # anybody can send them before the signature is checked
NonEmptyStr = Annotated[str, Meta(min_length=1)]
T = TypeVar("T", bound=Struct)

OPEN_SECTIONS = ("providers", "accounts", "retries", "breaker", "receipt_timeouts", "costs")
"""Sections whose keys the providers and the catalogue of channels declare."""


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of faust.yml; each key is described there, once."""


class ServiceSection(Section, frozen=True):
    log_level: Literal["debug", "info", "warning", "error"]


class KafkaSecuritySection(Section, frozen=True):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
    username: str
    password: str
    password_file: str
    token_file: str
    token_command: str
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str
    check_hostname: bool


class KafkaSection(Section, frozen=True):
    bootstrap_servers: NonEmptyStr
    topic_prefix: str
    topic_partitions: PositiveInt
    topic_replication_factor: PositiveInt
    min_insync_replicas: PositiveInt
    session_timeout: Seconds
    request_timeout: Seconds
    security: KafkaSecuritySection


class PostgresSection(Section, frozen=True):
    url: NonEmptyStr
    pool_max_size: PositiveInt
    retention_days: PositiveInt


class RedisSection(Section, frozen=True):
    url: NonEmptyStr
    socket_timeout: Seconds
    profile_ttl: PositiveInt
    profile_check_interval: ConsentSeconds


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
    redrive_after_outage: NonNegativeInt
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


class LinksSection(Section, frozen=True):
    base_url: str
    secret: str
    unsubscribe_mailbox: str


class TemplatesSection(Section, frozen=True):
    publish_payloads: NonNegativeInt
    publish_scan_records: PositiveInt


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
    links: LinksSection
    providers: Mapping[str, Mapping[str, Any]]
    accounts: Mapping[ChannelName, str]
    receipt_timeouts: Mapping[ChannelName, int]
    templates: TemplatesSection
    costs: Mapping[ChannelName, float]
    simulators: SimulatorsSection


def find_home_dir(env: Mapping[str, str], cwd: Path) -> Path:
    """HEROLD_HOME, or `.herold` in the working directory; absolute."""
    return Path(cwd, env.get("HEROLD_HOME") or ".herold").resolve()


def load_settings(env: Mapping[str, str] | None = None, path: Path = SETTINGS_FILE) -> Settings:
    """The settings of this process: the file with the environment over it. Raises SettingError, which names the key that is wrong."""
    env = os.environ if env is None else env
    tree = _read_file(path)
    override_section("accounts", tree["accounts"], env)
    add_account_sections(tree)
    apply_environment(tree, env)
    fill_account_sections(tree)
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    sections = {name: build_section(name, values, types[name]) for name, values in tree.items() if name not in OPEN_SECTIONS}
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


def build_section(name: str, values: Mapping[str, Any], section_type: type[T]) -> T:
    """A section as its struct; text from the environment is read as the key's type. Raises SettingError, which names the key."""
    types = {field.name: field.type for field in msgspec.structs.fields(section_type)}
    if unmatched := set(values) ^ set(types):
        key = min(unmatched)
        raise SettingError(f"{name}.{key}", "is unknown" if key in values else "is missing from faust.yml")
    # one key at a time, so that an error names it
    return section_type(**{key: _convert_value(f"{name}.{key}", value, types[key]) for key, value in values.items()})


def _build_receipt_timeouts(values: Mapping[str, Any]) -> dict[ChannelName, int]:
    expected = {channel.name for channel in CHANNELS if channel.has_receipts}
    if set(values) != expected:
        raise SettingError("receipt_timeouts", f"must have the channels with receipts, {sorted(expected)}; it has {sorted(values)}")
    return {name: _convert_value(f"receipt_timeouts.{name}", values[name], NonNegativeInt) for name in expected}


def _build_costs(values: Mapping[str, Any]) -> dict[ChannelName, float]:
    if set(values) != set(CHANNEL_NAMES):
        raise SettingError("costs", f"must have the channels {sorted(CHANNEL_NAMES)}; it has {sorted(values)}")
    return {name: _convert_value(f"costs.{name}", values[name], Cost) for name in CHANNEL_NAMES}


def _read_file(path: Path) -> dict[str, dict[str, Any]]:
    tree = parse_yaml(path.read_text("utf-8"))
    expected = set(Settings.__struct_fields__)
    if not isinstance(tree, dict) or set(tree) != expected or not all(isinstance(section, dict) for section in tree.values()):
        actual = sorted(map(str, tree)) if isinstance(tree, dict) else tree
        raise SettingError(str(path), f"must have the sections {sorted(expected)}, has {actual}")
    return tree


def _convert_value(key: str, value: Any, value_type: Any) -> Any:
    if isinstance(value_type, type) and issubclass(value_type, Section):
        if not isinstance(value, dict):
            raise SettingError(key, "must be a section with keys of its own")
        return build_section(key, value, value_type)
    try:
        return msgspec.convert(value, value_type, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        choices = f"must be one of {', '.join(get_args(value_type))}" if get_origin(value_type) is Literal else ""
        shown = "its value" if value_type in (str, NonEmptyStr) else repr(value)  # text may be a secret, as a password of digits only
        raise SettingError(key, f"{shown} does not fit: it {choices or describe_decode_error(error, b'').text}") from None
