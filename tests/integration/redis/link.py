"""A cache that reaches Redis by a proxy, so that a test can cut it off or hold it up."""

from tables.redis.cache import Cache
from tests.proxy import Proxy


class Link:
    """The proxy, the cache and its clock."""

    def __init__(self, proxy: Proxy, prefix: str) -> None:
        self.proxy, self.now = proxy, 1000.0
        self.cache = Cache(proxy.url, lambda: self.now, prefix, timeout=2.0)
