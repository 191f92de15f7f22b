"""The connection profile: addresses and secrets from the environment, the state file of `herold up`, and faust.yml, in this order."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.cli.errors import CommandError
from app.connection_settings import KafkaSection, PostgresSection, RedisSection
from app.encryption.outer_keys import build_local_index_key, build_local_keys
from app.encryption.section import EncryptionSection
from app.settings import LinksSection, Settings, TemplatesSection, find_home_dir, load_settings
from app.suppression_sync import PROVIDER as SENDGRID
from app.suppression_sync import list_accounts
from schemas.channels import ChannelName
from schemas.errors import SettingError

SERVICE_ACCOUNT_FILE = "service-account.json"  # of `herold up`
LOOPBACK = "127.0.0.1"  # where the servers of `herold up` listen


@dataclass(frozen=True)
class ConnectionProfile:
    """Addresses and secrets of one stack; `worker_urls` are the web addresses of each role's workers.

    `fcm` are the settings of that provider, `sendgrid` those of each account of SendGrid. The two last files are what certificates are
    verified with.
    """

    gateway_url: str
    api_key: str
    simulators_url: str
    kafka: KafkaSection
    postgres: PostgresSection
    redis: RedisSection
    web_token: str
    webhook_master_secret: str
    links: LinksSection
    worker_urls: Mapping[str, list[str]]
    templates: TemplatesSection
    costs: Mapping[ChannelName, float]
    fcm: Mapping[str, str]
    sendgrid: Mapping[str, Mapping[str, str]]
    encryption: EncryptionSection
    gateway_ca_file: str
    worker_ca_file: str
    audit_signing_key: str


def load_connection_profile(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> ConnectionProfile:
    """The profile of this process. Raises CommandError for an invalid setting or state file."""
    env = os.environ if env is None else env
    try:
        settings = load_settings(env)
    except SettingError as error:
        raise CommandError(str(error), "correct the variable or the line in faust.yml") from None
    home = find_home_dir(env, cwd or Path.cwd())
    state = _read_state_file(home / "state.json")
    return _build_profile(settings, env, state.get("ports", {}), state.get("secrets", {}), home)


def _read_state_file(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}", "run as the user of `make run`, or set HEROLD_HOME") from None


def _build_profile(
    settings: Settings, env: Mapping[str, str], ports: Mapping[str, int], secrets: Mapping[str, str], home: Path
) -> ConnectionProfile:
    bootstrap_servers, database_url = settings.kafka.bootstrap_servers, settings.postgres.url
    redis_url = settings.redis.url
    simulators_url, gateway_port = settings.simulators.url, settings.gateway.port
    if "kafka" in ports and not _is_any_set(env, "KAFKA_BOOTSTRAP_SERVERS", "HEROLD_KAFKA_BOOTSTRAP_SERVERS"):
        bootstrap_servers = f"{LOOPBACK}:{ports['kafka']}"
    if "postgres" in ports and not _is_any_set(env, "DATABASE_URL", "HEROLD_POSTGRES_URL", "HEROLD_POSTGRES_URL_FILE"):
        database_url = f"postgresql://herold:{secrets.get('password', '')}@{LOOPBACK}:{ports['postgres']}/postgres"
    if "valkey" in ports and not _is_any_set(env, "REDIS_URL", "HEROLD_REDIS_URL", "HEROLD_REDIS_URL_FILE"):
        redis_url = f"redis://:{secrets.get('password', '')}@{LOOPBACK}:{ports['valkey']}/0"
    if "simulators" in ports and not _is_any_set(env, "HEROLD_SIMULATORS_URL"):
        simulators_url = f"http://{LOOPBACK}:{ports['simulators']}"
    if "gateway" in ports and not _is_any_set(env, "HEROLD_GATEWAY_PORT"):
        gateway_port = ports["gateway"]
    gateway_url = f"{'https' if settings.gateway.tls_certificate_file else 'http'}://{settings.gateway.host}:{gateway_port}"
    return ConnectionProfile(
        gateway_url=gateway_url,
        api_key=settings.gateway.api_key or secrets.get("api_key", ""),
        simulators_url=simulators_url,
        kafka=msgspec.structs.replace(settings.kafka, bootstrap_servers=bootstrap_servers),
        postgres=msgspec.structs.replace(settings.postgres, url=database_url),
        redis=msgspec.structs.replace(settings.redis, url=redis_url),
        web_token=settings.worker.web_token or secrets.get("web_token", ""),
        webhook_master_secret=str(settings.providers["webhook"]["master_secret"]) or secrets.get("webhook_master_secret", ""),
        links=_build_links(settings.links, gateway_url, secrets.get("links_secret", "")),
        worker_urls=_build_worker_urls(ports),
        templates=settings.templates,
        costs=settings.costs,
        fcm=_build_fcm(settings.providers["fcm"], env, simulators_url if "simulators" in ports else "", home),
        sendgrid=_build_sendgrid(settings.providers, simulators_url, secrets.get("sendgrid_key", "")),
        encryption=_build_encryption(settings.encryption, secrets),
        gateway_ca_file=settings.gateway.tls_ca_file,
        worker_ca_file=settings.worker.web_tls_ca_file,
        audit_signing_key=settings.audit.signing_key or secrets.get("audit_signing_key", ""),
    )


def _build_fcm(section: Mapping[str, Any], env: Mapping[str, str], simulators_url: str, home: Path) -> dict[str, str]:
    """The settings of FCM, else those of the running stack, whose service account is in its directory."""
    values = {name: str(value) for name, value in section.items()}
    if simulators_url and not _is_any_set(env, "HEROLD_PROVIDERS_FCM_URL"):
        values["url"] = simulators_url
    if simulators_url and not values["service_account_file"]:
        values["service_account_file"] = str(home / SERVICE_ACCOUNT_FILE)
    return values


def _build_sendgrid(providers: Mapping[str, Mapping[str, Any]], simulators_url: str, key: str) -> dict[str, Mapping[str, str]]:
    """The accounts of SendGrid that have a key in the settings, else that of the running stack."""
    accounts = list_accounts(providers)
    return accounts or ({SENDGRID: {"url": simulators_url, "api_key": f"SG.{key}"}} if key else {})


def _build_encryption(section: EncryptionSection, secrets: Mapping[str, str]) -> EncryptionSection:
    """The keys of the settings, else those of the running stack."""
    keys = section.keys or build_local_keys(secrets.get("encryption_key_1", ""), secrets.get("encryption_key_2", ""))
    index_key = build_local_index_key(secrets.get("index_key_1", ""), secrets.get("index_key_2", ""))
    return msgspec.structs.replace(section, keys=keys, index_key=section.index_key or index_key)


def _build_links(links: LinksSection, gateway_url: str, secret: str) -> LinksSection:
    """The links of the settings, else those of the running stack, which lead to its gateway."""
    if links.base_url or not secret:
        return links
    return msgspec.structs.replace(links, base_url=gateway_url, secret=links.secret or secret)


def _is_any_set(env: Mapping[str, str], *variables: str) -> bool:
    """Whether one of the variables is set; the settings then have its value already."""
    return any(env.get(variable) for variable in variables)


def _build_worker_urls(ports: Mapping[str, int]) -> dict[str, list[str]]:
    """The web addresses of the workers by role; the state file has a worker's port under a name such as `router-1.web`."""
    urls: dict[str, list[str]] = {}
    for name, port in sorted(ports.items()):
        worker, _, use = name.rpartition(".")
        if use == "web":
            urls.setdefault(worker.partition("-")[0], []).append(f"http://{LOOPBACK}:{port}")
    return urls
