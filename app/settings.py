"""Settings: faust.yml with the environment over it, as one frozen value; a bad one stops the start and names its key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from schemas.errors import SettingError

FILE = Path(__file__).resolve().parent.parent / "faust.yml"
PREFIX = "HEROLD_"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where the wheel has it: a tenth of the time
ADDRESSES = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "DATABASE_URL": ("postgres", "url"),
    "REDIS_URL": ("redis", "url"),
}

Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of faust.yml; each key is described there, once."""


class Herold(Section, frozen=True):
    log_level: Literal["debug", "info", "warning", "error"]
    topic_prefix: str
    partitions: Count
    data_dir: Text
    worker: Text


class Kafka(Section, frozen=True):
    bootstrap_servers: Text
    replication: Count
    min_insync: Count
    session_timeout: Seconds
    request_timeout: Seconds


class Postgres(Section, frozen=True):
    url: Text
    pool: Count
    keep_days: Count


class Redis(Section, frozen=True):
    url: Text
    timeout: Seconds
    profile_ttl: Count


class Streaming(Section, frozen=True):
    fetch_wait: Seconds
    commit_interval: Seconds
    standby_replicas: Natural
    web_bind: Text
    web_port: Port
    web_token: str


class Router(Section, frozen=True):
    batch: Count
    busy_medium: Count
    busy_low: Count
    depth: Count
    linger: Seconds
    policy_refresh: Seconds


class Delivery(Section, frozen=True):
    batch: Count
    busy_medium: Count
    busy_low: Count
    depth: Count
    calls: Count
    calls_high: Natural
    calls_per_host: Count
    connect_timeout: Seconds
    read_timeout: Seconds
    tries: Count
    pause: Seconds
    linger: Seconds
    linger_records: Count


class Recorder(Section, frozen=True):
    batch: Count
    depth: Count
    linger: Seconds
    linger_events: Count


class Gateway(Section, frozen=True):
    host: Text
    port: Port
    api_key: str
    produce_timeout: Seconds
    body_limit: Count


class Providers(Section, frozen=True):
    sendgrid_url: Text
    sendgrid_key: str
    sendgrid_from: Text
    sendgrid_from_name: str
    twilio_url: Text
    twilio_account: str
    twilio_key: str
    twilio_secret: str
    twilio_from: Text
    fcm_url: Text
    fcm_project: Text
    fcm_token: str
    webhook_secret: str
    webhook_http: bool
    callback_url: str


class Receipts(Section, frozen=True):
    email: Natural
    sms: Natural
    push: Natural
    webhook: Natural


class Twins(Section, frozen=True):
    url: Text


class Settings(Section, frozen=True):
    """All settings of one process."""

    herold: Herold
    kafka: Kafka
    postgres: Postgres
    redis: Redis
    streaming: Streaming
    router: Router
    delivery: Delivery
    recorder: Recorder
    gateway: Gateway
    providers: Providers
    receipts: Receipts
    twins: Twins


def load(environ: Mapping[str, str] | None = None, file: Path = FILE) -> Settings:
    """The settings of this process. Raises SettingError, which names the key, for a file or variable that cannot be used."""
    environ = os.environ if environ is None else environ
    tree = _read(file)
    for (section, key), text in _overrides(environ).items():
        tree[section][key] = text
    return Settings(**{name: _section(name, values) for name, values in tree.items()})


def _read(file: Path) -> dict[str, dict[str, Any]]:
    tree = yaml.load(file.read_text("utf-8"), LOADER)
    wanted = set(Settings.__struct_fields__)
    if not isinstance(tree, dict) or set(tree) != wanted or not all(isinstance(section, dict) for section in tree.values()):
        found = sorted(map(str, tree)) if isinstance(tree, dict) else tree
        raise SettingError(str(file), f"must have the sections {sorted(wanted)}, has {found}")
    return tree


def _overrides(environ: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What the environment says, by section and key; a variable that names a section but no key of it is a mistake."""
    found = {place: environ[name] for name, place in ADDRESSES.items() if environ.get(name)}
    for field in msgspec.structs.fields(Settings):
        keys = {f"{PREFIX}{field.name}_{key}".upper(): key for key in field.type.__struct_fields__}
        for name in environ:
            if name.startswith(f"{PREFIX}{field.name}_".upper()):
                if name not in keys:
                    raise SettingError(name, f"{field.name} has no such key; it has {sorted(keys.values())}")
                found[field.name, keys[name]] = environ[name]
    return found


def _section(name: str, values: dict[str, Any]) -> Any:
    """One section; a variable's text is read as the key's type. Its keys are tried singly, so that the error names one."""
    kind = next(field.type for field in msgspec.structs.fields(Settings) if field.name == name)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    if strays := set(values) ^ set(types):
        raise SettingError(f"{name}.{min(strays)}", "is unknown" if min(strays) in values else "is missing from faust.yml")
    return kind(**{key: _value(f"{name}.{key}", value, types[key]) for key, value in values.items()})


def _value(key: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise SettingError(key, f"{value!r} does not fit: {error}") from None
