"""`herold up`: the whole Herold on this machine: three servers, topics and tables, the simulators, every role and the gateway."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from functools import partial

from app.topology import ROLES
from dev.stack.service import Service
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import StackState

HOST = "127.0.0.1"
PYTHON = sys.executable

# what the roles, the gateway and the simulators share or need: imported once, by the nursery
PRELOADED_MODULES = (
    "faust.cli.faust",
    "dev.stack.preload",
    "app.api.gateway",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "dev.simulators.server",
)
# what is needed here when the servers are ready
DEFERRED_MODULES = ("app.admin.topics", "app.admin.consumer_groups", "app.admin.database", "dev.sample.runner", "dev.sample.console_report")

SESSION_TIMEOUT = "6"  # seconds, the least that Kafka allows by default: on one machine a role that was killed is to be back soon


def build_environment(state: StackState, urls: ServerUrls, env: Mapping[str, str]) -> dict[str, str]:
    """The settings of every process of this home; what the environment says already stays."""
    simulators, gateway = f"http://{HOST}:{state.get_port('simulators')}", f"http://{HOST}:{state.get_port('gateway')}"
    settings = {
        **urls.to_env(),
        "HEROLD_WORKER_DATA_DIR": str(state.home / "data"),
        "HEROLD_SERVICE_LOG_LEVEL": "warning",
        "HEROLD_KAFKA_SESSION_TIMEOUT": SESSION_TIMEOUT,
        "HEROLD_GATEWAY_HOST": HOST,
        "HEROLD_GATEWAY_PORT": str(state.get_port("gateway")),
        "HEROLD_GATEWAY_API_KEY": state.get_secret("api_key"),
        "HEROLD_WORKER_WEB_TOKEN": state.get_secret("web_token"),
        "HEROLD_PROVIDERS_SENDGRID_URL": simulators,
        "HEROLD_PROVIDERS_SENDGRID_API_KEY": "SG." + state.get_secret("sendgrid_key"),
        "HEROLD_PROVIDERS_TWILIO_URL": simulators,
        "HEROLD_PROVIDERS_TWILIO_ACCOUNT_SID": "AC" + state.get_secret("twilio_account"),
        "HEROLD_PROVIDERS_TWILIO_API_KEY_SID": "SK" + state.get_secret("twilio_key"),
        "HEROLD_PROVIDERS_TWILIO_API_KEY_SECRET": state.get_secret("twilio_secret"),
        "HEROLD_PROVIDERS_FCM_URL": simulators,
        "HEROLD_PROVIDERS_FCM_ACCESS_TOKEN": "ya29." + state.get_secret("fcm_token"),
        "HEROLD_PROVIDERS_WEBHOOK_SIGNING_SECRET": "whsec_" + state.get_secret("webhook_secret"),
        "HEROLD_PROVIDERS_CALLBACK_BASE_URL": gateway,
        "HEROLD_SIMULATORS_URL": simulators,
        "PYTHONUNBUFFERED": "1",
    }
    return {**settings, **{name: env[name] for name in settings if env.get(name)}}


def build_start_stages(state: StackState, settings: Mapping[str, str]) -> list[list[Service]]:
    """The simulators; then the gateway and one worker of each role, which end before their providers do."""
    return [
        [_build_simulators_service(state, settings)],
        [_build_gateway_service(state, settings), *(_build_worker_service(role, state, settings) for role in ROLES)],
    ]


def _build_simulators_service(state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port("simulators")
    argv = (PYTHON, "-m", "dev.simulators", "--host", HOST, "--port", str(port), "--request-log", str(state.home / "requests.jsonl"))
    return Service("simulators", argv, env=settings, forkable=True, readiness_check=partial(probe_http, port, "/healthz"))


def _build_gateway_service(state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port("gateway")
    # without Kafka it is not ready, and starting it again would not help
    ready, alive = partial(probe_http, port, "/readyz"), partial(probe_http, port, "/healthz")
    # it warns of each time that it was not ready when asked, as it should in production
    noise = '"route":"/readyz","status":503'
    return Service(
        "gateway",
        (PYTHON, "-m", "app.api"),
        env=settings,
        forkable=True,
        readiness_check=ready,
        liveness_check=alive,
        log_exclude_pattern=noise,
    )


def _build_worker_service(role: str, state: StackState, settings: Mapping[str, str]) -> Service:
    port = state.get_port(f"{role}.web")
    # the `faust` command; in full, because Faust hides its own spec once it is imported
    argv = (PYTHON, "-m", "faust.__main__", "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
    env = {**settings, "HEROLD_WORKER_WEB_PORT": str(port)}
    return Service(role, argv, env=env, forkable=True, readiness_check=partial(probe_http, port, "/ready"), stop_timeout=45.0)


async def probe_http(port: int, path: str) -> None:
    """Raises unless the server on this port of the loopback address answers 200."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        status = (await reader.readline()).split(b" ")[1:2]
        if status != [b"200"]:
            raise ConnectionError(f"{path} on port {port} answers {b''.join(status).decode() or 'nothing'}")
    finally:
        writer.close()


async def provision(env: Mapping[str, str], urls: ServerUrls) -> None:
    """Topics, schema, partitions and seed: what services with this environment need before they start."""
    from app.admin import consumer_groups, database, topics
    from app.settings import load_settings

    settings = load_settings({**os.environ, **env})
    kafka = settings.kafka
    await asyncio.gather(
        consumer_groups.wait_for_coordinators(urls.kafka, [kafka.topic_prefix + role for role in ROLES]),
        topics.apply_topics(
            urls.kafka, kafka.topic_prefix, kafka.topic_partitions, kafka.topic_replication_factor, kafka.min_insync_replicas
        ),
        database.upgrade_database(urls.database, time.time(), simulators_url=settings.simulators.url),
    )
