"""What the gateway needs to know to start, taken from the settings of the process."""

from dataclasses import dataclass

from app.settings import Settings
from schemas.enums import Channel
from schemas.errors import SettingError


@dataclass(frozen=True)
class GatewaySettings:
    """Addresses, limits and the key of one gateway; times in seconds, `body_limit` in bytes."""

    api_key: str
    bootstrap_servers: str
    database_url: str
    redis_url: str
    receipt_timeouts: dict[Channel, int]
    host: str = "127.0.0.1"
    port: int = 8080
    partitions: int = 4
    topic_prefix: str = ""
    produce_timeout: float = 5.0
    body_limit: int = 8 * 1024 * 1024
    postgres_pool_size: int = 4
    redis_timeout: float = 0.2
    policy_refresh: float = 5.0


def build_gateway_settings(settings: Settings) -> GatewaySettings:
    """The gateway's part of the settings. Raises SettingError without an API key."""
    if not settings.gateway.api_key:
        raise SettingError("gateway.api_key", "is empty: set HEROLD_GATEWAY_API_KEY to a long random text; clients have to show it")
    return GatewaySettings(
        api_key=settings.gateway.api_key,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        database_url=settings.postgres.url,
        redis_url=settings.redis.url,
        receipt_timeouts={
            "email": settings.receipt_timeouts.email,
            "sms": settings.receipt_timeouts.sms,
            "push": settings.receipt_timeouts.push,
            "webhook": settings.receipt_timeouts.webhook,
        },
        host=settings.gateway.host,
        port=settings.gateway.port,
        partitions=settings.kafka.topic_partitions,
        topic_prefix=settings.kafka.topic_prefix,
        produce_timeout=settings.gateway.produce_timeout,
        body_limit=settings.gateway.max_body_bytes,
        postgres_pool_size=settings.postgres.pool_max_size,
        redis_timeout=settings.redis.socket_timeout,
        policy_refresh=settings.router.policy_refresh_interval,
    )
