"""Settings: faust.yml with the environment over it, as one frozen value; a bad one stops the start and names its key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from schemas.errors import SettingError

SETTINGS_FILE = Path(__file__).resolve().parent.parent / "faust.yml"
ENV_PREFIX = "HEROLD_"
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where the wheel has it: a tenth of the time
ENV_ALIASES = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "DATABASE_URL": ("postgres", "url"),
    "REDIS_URL": ("redis", "url"),
}

PositiveInt = Annotated[int, Meta(ge=1)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
NonEmptyStr = Annotated[str, Meta(min_length=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of faust.yml; each key is described there, once."""


class ServiceSection(Section, frozen=True):
    log_level: Literal["debug", "info", "warning", "error"]


class KafkaSection(Section, frozen=True):
    bootstrap_servers: NonEmptyStr
    topic_prefix: str
    topic_partitions: PositiveInt
    topic_replication_factor: PositiveInt
    min_insync_replicas: PositiveInt
    session_timeout: Seconds
    request_timeout: Seconds


class PostgresSection(Section, frozen=True):
    url: NonEmptyStr
    pool_max_size: PositiveInt
    retention_days: PositiveInt


class RedisSection(Section, frozen=True):
    url: NonEmptyStr
    socket_timeout: Seconds
    profile_ttl: PositiveInt


class WorkerSection(Section, frozen=True):
    data_dir: NonEmptyStr
    instance_id: NonEmptyStr
    fetch_max_wait: Seconds
    commit_interval: Seconds
    standby_replicas: NonNegativeInt
    web_bind: NonEmptyStr
    web_port: Port
    web_token: str


class RouterSection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_batch_records_medium_busy: PositiveInt
    max_batch_records_low_busy: PositiveInt
    max_in_flight_batches: PositiveInt
    linger: Seconds
    policy_refresh_interval: Seconds


class DeliverySection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_batch_records_medium_busy: PositiveInt
    max_batch_records_low_busy: PositiveInt
    max_in_flight_batches: PositiveInt
    max_concurrent_calls: PositiveInt
    reserved_calls_high: NonNegativeInt
    max_concurrent_calls_per_host: PositiveInt
    connect_timeout: Seconds
    request_timeout: Seconds
    max_attempts: PositiveInt
    retry_backoff: Seconds
    linger: Seconds
    linger_max_records: PositiveInt


class RecorderSection(Section, frozen=True):
    max_batch_records: PositiveInt
    max_in_flight_batches: PositiveInt
    linger: Seconds
    linger_max_events: PositiveInt


class GatewaySection(Section, frozen=True):
    host: NonEmptyStr
    port: Port
    api_key: str
    produce_timeout: Seconds
    max_body_bytes: PositiveInt


class ProvidersSection(Section, frozen=True):
    sendgrid_url: NonEmptyStr
    sendgrid_api_key: str
    sendgrid_from_email: NonEmptyStr
    sendgrid_from_name: str
    twilio_url: NonEmptyStr
    twilio_account_sid: str
    twilio_api_key_sid: str
    twilio_api_key_secret: str
    twilio_from_number: NonEmptyStr
    fcm_url: NonEmptyStr
    fcm_project_id: NonEmptyStr
    fcm_access_token: str
    webhook_signing_secret: str
    webhook_allow_http: bool
    callback_base_url: str


class ReceiptTimeoutsSection(Section, frozen=True):
    email: NonNegativeInt
    sms: NonNegativeInt
    push: NonNegativeInt
    webhook: NonNegativeInt


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
    recorder: RecorderSection
    gateway: GatewaySection
    providers: ProvidersSection
    receipt_timeouts: ReceiptTimeoutsSection
    simulators: SimulatorsSection


def find_home_dir(env: Mapping[str, str], cwd: Path) -> Path:
    """HEROLD_HOME, or `.herold` in the working directory; absolute."""
    return Path(cwd, env.get("HEROLD_HOME") or ".herold").resolve()


def load_settings(env: Mapping[str, str] | None = None, path: Path = SETTINGS_FILE) -> Settings:
    """The settings of this process. Raises SettingError, which names the key, for a file or variable that cannot be used."""
    env = os.environ if env is None else env
    tree = _read_file(path)
    for (section, key), text in _read_overrides(env).items():
        tree[section][key] = text
    return Settings(**{name: _build_section(name, values) for name, values in tree.items()})


def _read_file(file: Path) -> dict[str, dict[str, Any]]:
    tree = yaml.load(file.read_text("utf-8"), YAML_LOADER)
    wanted = set(Settings.__struct_fields__)
    if not isinstance(tree, dict) or set(tree) != wanted or not all(isinstance(section, dict) for section in tree.values()):
        found = sorted(map(str, tree)) if isinstance(tree, dict) else tree
        raise SettingError(str(file), f"must have the sections {sorted(wanted)}, has {found}")
    return tree


def _read_overrides(environ: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What the environment says, by section and key; a variable that names a section but no key of it is a mistake."""
    found = {place: environ[name] for name, place in ENV_ALIASES.items() if environ.get(name)}
    for field in msgspec.structs.fields(Settings):
        keys = {f"{ENV_PREFIX}{field.name}_{key}".upper(): key for key in field.type.__struct_fields__}
        for name in environ:
            if name.startswith(f"{ENV_PREFIX}{field.name}_".upper()):
                if name not in keys:
                    raise SettingError(name, f"{field.name} has no such key; it has {sorted(keys.values())}")
                found[field.name, keys[name]] = environ[name]
    return found


def _build_section(name: str, values: dict[str, Any]) -> Any:
    """One section; a variable's text is read as the key's type. Its keys are tried singly, so that the error names one."""
    kind = next(field.type for field in msgspec.structs.fields(Settings) if field.name == name)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    if strays := set(values) ^ set(types):
        raise SettingError(f"{name}.{min(strays)}", "is unknown" if min(strays) in values else "is missing from faust.yml")
    return kind(**{key: _convert_value(f"{name}.{key}", value, types[key]) for key, value in values.items()})


def _convert_value(key: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise SettingError(key, f"{value!r} does not fit: {error}") from None
