"""`herold up`: the whole Herold on this machine: three servers, topics and tables, the twins, every role and the gateway."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from functools import partial

from app.local.service import Service
from app.local.stack import Urls
from app.local.state import State
from app.topology import ROLES

HOST = "127.0.0.1"
PYTHON = sys.executable

# what the roles, the gateway and the twins share or need: imported once, by the nursery
IMPORTS = (
    "faust.cli.faust",
    "app.roles.ahead",
    "app.api.gateway",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "twins.server",
)
# what is needed here when the servers are ready
NEXT = ("app.topics", "app.groups", "app.database", "app.demo.run", "app.demo.shown")

SESSION_TIMEOUT = "6"  # seconds, the least that Kafka allows by default: on one machine a role that was killed is to be back soon


def environment(state: State, urls: Urls, env: Mapping[str, str]) -> dict[str, str]:
    """The settings of every process of this home; what the environment says already stays."""
    twins, gateway = f"http://{HOST}:{state.port('twins')}", f"http://{HOST}:{state.port('gateway')}"
    settings = {
        **urls.env(),
        "HEROLD_HEROLD_DATA_DIR": str(state.home / "data"),
        "HEROLD_HEROLD_LOG_LEVEL": "warning",
        "HEROLD_KAFKA_SESSION_TIMEOUT": SESSION_TIMEOUT,
        "HEROLD_GATEWAY_HOST": HOST,
        "HEROLD_GATEWAY_PORT": str(state.port("gateway")),
        "HEROLD_GATEWAY_API_KEY": state.secret("api_key"),
        "HEROLD_STREAMING_WEB_TOKEN": state.secret("tables_token"),
        "HEROLD_PROVIDERS_SENDGRID_URL": twins,
        "HEROLD_PROVIDERS_SENDGRID_KEY": "SG." + state.secret("sendgrid_key"),
        "HEROLD_PROVIDERS_TWILIO_URL": twins,
        "HEROLD_PROVIDERS_TWILIO_ACCOUNT": "AC" + state.secret("twilio_account"),
        "HEROLD_PROVIDERS_TWILIO_KEY": "SK" + state.secret("twilio_key"),
        "HEROLD_PROVIDERS_TWILIO_SECRET": state.secret("twilio_secret"),
        "HEROLD_PROVIDERS_FCM_URL": twins,
        "HEROLD_PROVIDERS_FCM_TOKEN": "ya29." + state.secret("fcm_token"),
        "HEROLD_PROVIDERS_WEBHOOK_SECRET": "whsec_" + state.secret("webhook_secret"),
        "HEROLD_PROVIDERS_CALLBACK_URL": gateway,
        "HEROLD_TWINS_URL": twins,
        "PYTHONUNBUFFERED": "1",
    }
    return {**settings, **{name: env[name] for name in settings if env.get(name)}}


def stages(state: State, settings: Mapping[str, str]) -> list[list[Service]]:
    """The twins; then the gateway and one worker of each role, which end before their providers do."""
    return [[_twins(state, settings)], [_gateway(state, settings), *(_worker(role, state, settings) for role in ROLES)]]


def _twins(state: State, settings: Mapping[str, str]) -> Service:
    port = state.port("twins")
    argv = (PYTHON, "-m", "twins", "--host", HOST, "--port", str(port), "--ledger", str(state.home / "ledger.log"))
    return Service("twins", argv, env=settings, forked=True, ready=partial(answers, port, "/healthz"))


def _gateway(state: State, settings: Mapping[str, str]) -> Service:
    port = state.port("gateway")
    # without Kafka it is not ready, and starting it again would not help
    ready, alive = partial(answers, port, "/readyz"), partial(answers, port, "/healthz")
    # it warns of each time that it was not ready when asked, as it should in production
    noise = '"route":"/readyz","status":503'
    return Service("gateway", (PYTHON, "-m", "app.api"), env=settings, forked=True, ready=ready, alive=alive, noise=noise)


def _worker(role: str, state: State, settings: Mapping[str, str]) -> Service:
    port = state.port(f"{role}.web")
    # the `faust` command; in full, because Faust hides its own spec once it is imported
    argv = (PYTHON, "-m", "faust.__main__", "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
    env = {**settings, "HEROLD_STREAMING_WEB_PORT": str(port)}
    return Service(role, argv, env=env, forked=True, ready=partial(answers, port, "/ready"), stop_timeout=45.0)


async def answers(port: int, path: str) -> None:
    """Raises unless the server on this port of the loopback address answers 200."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        status = (await reader.readline()).split(b" ")[1:2]
        if status != [b"200"]:
            raise ConnectionError(f"{path} on port {port} answers {b''.join(status).decode() or 'nothing'}")
    finally:
        writer.close()


async def prepare(env: Mapping[str, str], urls: Urls) -> None:
    """Topics, schema, partitions and seed: what services with this environment need before they start."""
    from app import database, groups, topics  # slow to import: not before the servers are on their way
    from app.settings import load

    settings = load({**os.environ, **env})
    kafka, herold = settings.kafka, settings.herold
    await asyncio.gather(
        groups.await_coordinators(urls.kafka, [herold.topic_prefix + role for role in ROLES]),
        topics.apply(urls.kafka, herold.topic_prefix, herold.partitions, kafka.replication, kafka.min_insync),
        database.upgrade(urls.database, time.time(), twins=settings.twins.url),
    )
