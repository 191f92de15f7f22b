"""What the gateway needs to know to start, taken from the settings of the process."""

from dataclasses import dataclass

from app.settings import Settings
from schemas.errors import SettingError
from schemas.words import Channel


@dataclass(frozen=True)
class GatewaySettings:
    """Addresses, limits and the key of one gateway; times in seconds, `body_limit` in bytes."""

    api_key: str
    kafka: str
    database_url: str
    redis_url: str
    receipts: dict[Channel, int]
    host: str = "127.0.0.1"
    port: int = 8080
    partitions: int = 4
    topic_prefix: str = ""
    produce_timeout: float = 5.0
    body_limit: int = 8 * 1024 * 1024
    postgres_pool: int = 4
    redis_timeout: float = 0.2
    policy_refresh: float = 5.0


def gateway_settings(settings: Settings) -> GatewaySettings:
    """The gateway's part of the settings. Raises SettingError without an API key."""
    if not settings.gateway.api_key:
        raise SettingError("gateway.api_key", "is empty: set HEROLD_GATEWAY_API_KEY to a long random text; clients have to show it")
    return GatewaySettings(
        api_key=settings.gateway.api_key,
        kafka=settings.kafka.bootstrap_servers,
        database_url=settings.postgres.url,
        redis_url=settings.redis.url,
        receipts={
            "email": settings.receipts.email,
            "sms": settings.receipts.sms,
            "push": settings.receipts.push,
            "webhook": settings.receipts.webhook,
        },
        host=settings.gateway.host,
        port=settings.gateway.port,
        partitions=settings.herold.partitions,
        topic_prefix=settings.herold.topic_prefix,
        produce_timeout=settings.gateway.produce_timeout,
        body_limit=settings.gateway.body_limit,
        postgres_pool=settings.postgres.pool,
        redis_timeout=settings.redis.timeout,
        policy_refresh=settings.router.policy_refresh,
    )
