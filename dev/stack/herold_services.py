"""The processes of `herold up` besides the servers: simulators, gateway and one worker of each role; their settings and preparation."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from app.admin.signing_keys import ensure_signing_keys
from app.encryption.outer_keys import build_local_index_key, build_local_keys
from app.topology import ROLES
from dev.simulators.service_account import ensure_service_account
from dev.stack.service import Service
from dev.stack.signing_key import ensure_signing_key
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import LOOPBACK, StackState
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES

PYTHON = sys.executable

# the modules of the workers, the gateway and the simulators; the fork server imports them once
PRELOADED_MODULES = (
    "faust.cli.faust",
    "dev.stack.preload",
    "app.api.gateway",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "dev.simulators.server",
)
# the modules that `herold up` needs when the servers are ready; it imports them while the servers start
DEFERRED_MODULES = (
    "app.admin.database",
    "app.admin.topics",
    "dev.sample.console_report",
    "dev.sample.runner",
    "dev.stack.consumer_groups",
    "dev.stack.links",
)

SERVICE_ACCOUNT_VARIABLE = "HEROLD_PROVIDERS_FCM_SERVICE_ACCOUNT_FILE"
MASTER_SECRET_VARIABLE = "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET"
KEYS_VARIABLE, INDEX_KEY_VARIABLE = "HEROLD_ENCRYPTION_KEYS", "HEROLD_ENCRYPTION_INDEX_KEY"
PUBLIC_KEY_VARIABLE = "HEROLD_PROVIDERS_SENDGRID_WEBHOOK_PUBLIC_KEY"
SIGNING_KEY_FILE = "sendgrid-event-webhook.pem"  # in the home
ACCESS_TOKEN_KEYS_FILE = "access-token-keys.pem"  # in the home
NOT_READY_PATTERN = '"route":"/readyz","status":503'  # the gateway logs each failed readiness check; during a start they are expected
LINK_PATTERN = r"There is no account yet\.|/account/first-admin/"  # `herold up` prints a link of its own, when everything is ready
RETRY_DELAYS = "0.5, 1, 2, 4"  # seconds; so that a delivery that always fails can be watched, and a test of it ends
UNANSWERED_GRACE = "2"  # seconds; for the same reason
MAX_PAUSE = "2"  # seconds; many recipients of the sample are throttled once, and each pauses the account
MAX_OPEN = "3"  # seconds; so that a healed outage is over soon
WORKER_STOP_TIMEOUT = 45.0  # seconds; longer than the drain and shutdown timeouts of faust.yml together
SESSION_TIMEOUT = "6"  # seconds, the minimum that Kafka allows by default, so that a killed role recovers quickly
TEST_ACCOUNTS = {
    f"HEROLD_TEST_ACCOUNTS_{channel}": account for channel, account in (("EMAIL", "sendgrid"), ("SMS", "twilio"), ("PUSH", "fcm"))
}


def build_environment(state: StackState, urls: ServerUrls, env: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of every process of this home; those already set in `env` are kept."""
    simulators, gateway = f"http://{LOOPBACK}:{state.get_port('simulators')}", f"http://{LOOPBACK}:{state.get_port('gateway')}"
    settings = {
        **urls.to_env(),
        **_build_local_pace(),
        "HEROLD_WORKER_DATA_DIR": str(state.home / "data"),
        "HEROLD_SERVICE_LOG_LEVEL": "warning",
        "HEROLD_KAFKA_SESSION_TIMEOUT": SESSION_TIMEOUT,
        "HEROLD_GATEWAY_HOST": LOOPBACK,
        "HEROLD_GATEWAY_PORT": str(state.get_port("gateway")),
        "HEROLD_GATEWAY_API_KEY": state.get_secret("api_key"),
        "HEROLD_WORKER_WEB_TOKEN": state.get_secret("web_token"),
        "HEROLD_PROVIDERS_SENDGRID_URL": simulators,
        "HEROLD_PROVIDERS_SENDGRID_API_KEY": "SG." + state.get_secret("sendgrid_key"),
        PUBLIC_KEY_VARIABLE: ensure_signing_key(state.home / SIGNING_KEY_FILE),
        "HEROLD_PROVIDERS_TWILIO_URL": simulators,
        "HEROLD_PROVIDERS_TWILIO_ACCOUNT_SID": "AC" + state.get_secret("twilio_account"),
        "HEROLD_PROVIDERS_TWILIO_API_KEY_SID": "SK" + state.get_secret("twilio_key"),
        "HEROLD_PROVIDERS_TWILIO_API_KEY_SECRET": state.get_secret("twilio_secret"),
        "HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN": state.get_secret("twilio_auth_token"),
        "HEROLD_PROVIDERS_FCM_URL": simulators,
        SERVICE_ACCOUNT_VARIABLE: str(state.home / "service-account.json"),
        MASTER_SECRET_VARIABLE: state.get_secret("webhook_master_secret"),  # hex digits are base64, too
        "HEROLD_PROVIDERS_WEBHOOK_ALLOW": LOOPBACK,  # the simulators
        "HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": gateway,
        "HEROLD_AUTH_SIGNING_KEYS_FILE": ensure_signing_keys(state.home / ACCESS_TOKEN_KEYS_FILE),
        "HEROLD_AUTH_SECRET": state.get_secret("auth_secret"),  # hex digits are base64, too
        "HEROLD_AUTH_PUBLIC_URL": gateway,
        "HEROLD_LINKS_BASE_URL": gateway,
        "HEROLD_LINKS_SECRET": state.get_secret("links_secret"),  # hex digits are base64, too
        "HEROLD_AUDIT_SIGNING_KEY": state.get_secret("audit_signing_key"),  # hex digits are base64, too
        **_build_encryption_keys(state, env),
        "HEROLD_SIMULATORS_URL": simulators,
        "HEROLD_GATEWAY_SIMULATORS_URL": simulators,
        "PYTHONUNBUFFERED": "1",
    }
    if not env.get(SERVICE_ACCOUNT_VARIABLE):
        ensure_service_account(Path(settings[SERVICE_ACCOUNT_VARIABLE]), f"{simulators}/token")
    return {**settings, **{name: env[name] for name in settings if env.get(name)}}


def _build_local_pace() -> dict[str, str]:
    """Shorter times than in production: whoever tries it on one machine waits for them. And where tests go."""
    return {
        **{f"HEROLD_DELIVERY_UNANSWERED_GRACE_{priority.upper()}": UNANSWERED_GRACE for priority in PRIORITIES},
        **TEST_ACCOUNTS,  # all accounts of the stack are simulators
        "HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY_MAX": MAX_PAUSE,
        "HEROLD_BREAKER_OPEN_DELAY_MAX": MAX_OPEN,
        **{f"HEROLD_RETRIES_{channel.upper()}_DELAYS": RETRY_DELAYS for channel in CHANNEL_NAMES},
    }


def _build_encryption_keys(state: StackState, env: Mapping[str, str]) -> dict[str, str]:
    """The keys that seal personal data, except those that the environment has in files."""
    keys = {
        INDEX_KEY_VARIABLE: build_local_index_key(state.get_secret("index_key_1"), state.get_secret("index_key_2")),
        KEYS_VARIABLE: build_local_keys(state.get_secret("encryption_key_1"), state.get_secret("encryption_key_2")),
    }
    return {name: key for name, key in keys.items() if not env.get(f"{name}_FILE")}


def build_start_stages(state: StackState, settings: Mapping[str, str]) -> list[list[Service]]:
    """The services by stage: the simulators first, so that they stop last, after the workers that call them."""
    return [
        [_build_simulators_service(state, settings)],
        [_build_gateway_service(state, settings), *(_build_worker_service(role, state, settings) for role in ROLES)],
    ]


def _build_simulators_service(state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port("simulators")
    argv = (*build_simulators_command(port, state.home / "requests.jsonl", settings), *build_callback_options(state))
    return Service("simulators", argv, env=settings, forkable=True, readiness_check=partial(probe_http, port, "/healthz"))


def build_simulators_command(port: int, request_log: Path, settings: Mapping[str, str]) -> tuple[str, ...]:
    """The command that runs the simulators for services with these settings."""
    options = ("--host", LOOPBACK, "--port", str(port), "--request-log", str(request_log))
    return (PYTHON, "-m", "dev.simulators", *options, "--service-account", settings[SERVICE_ACCOUNT_VARIABLE])


def build_callback_options(state: StackState) -> tuple[str, ...]:
    """The options with which the simulators report to the gateway of this home what happens to messages."""
    url = f"http://{LOOPBACK}:{state.get_port('gateway')}/v1/callbacks"
    return ("--callbacks-url", url, "--signing-key", str(state.home / SIGNING_KEY_FILE))


def _build_gateway_service(state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port("gateway")
    return Service(
        "gateway",
        (PYTHON, "-m", "app.api"),
        env=settings,
        forkable=True,
        readiness_check=partial(probe_http, port, "/readyz"),
        liveness_check=partial(probe_http, port, "/healthz"),  # not /readyz: a restart of the gateway does not help while Kafka is down
        log_exclude_pattern=f"{NOT_READY_PATTERN}|{LINK_PATTERN}",
    )


def _build_worker_service(role: str, state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port(f"{role}.web")
    # the `faust` command; not `-m faust`, because Faust replaces its own module spec when it is imported
    argv = (PYTHON, "-m", "faust.__main__", "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
    env = {**settings, "HEROLD_WORKER_WEB_PORT": str(port)}
    return Service(
        role, argv, env=env, forkable=True, readiness_check=partial(probe_http, port, "/ready"), stop_timeout=WORKER_STOP_TIMEOUT
    )


async def probe_http(port: int, path: str) -> None:
    """Raises OSError unless the server on this port of the loopback address answers 200."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        status = (await reader.readline()).split(b" ")[1:2]
        if status != [b"200"]:
            raise ConnectionError(f"{path} on port {port} answers {b''.join(status).decode() or 'nothing'}")
    finally:
        writer.close()


async def provision(env: Mapping[str, str], urls: ServerUrls) -> None:
    """Create topics, schema, partitions and seed for services with this environment."""
    from app.admin import database, topics
    from app.kafka.client_options import build_client_options
    from app.settings import load_settings
    from dev.stack import consumer_groups

    settings = load_settings({**os.environ, **env})
    kafka = settings.kafka
    await asyncio.gather(
        consumer_groups.wait_for_coordinators(build_client_options(kafka), [kafka.topic_prefix + role for role in ROLES]),
        topics.apply_topics(kafka),
        database.upgrade_database(urls.database, time.time(), settings.simulators.url),
    )
