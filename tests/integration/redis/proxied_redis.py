"""A cache that reaches Redis by a proxy, so that a test can cut it off or hold it up."""

from tables.redis.client import RedisClient
from tests.tcp_proxy import TcpProxy


class ProxiedRedis:
    """The proxy, the cache and its clock."""

    def __init__(self, proxy: TcpProxy, prefix: str) -> None:
        self.proxy, self.now = proxy, 1000.0
        self.client = RedisClient(proxy.url, lambda: self.now, prefix, timeout=2.0)
