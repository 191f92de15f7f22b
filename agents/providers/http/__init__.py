"""The HTTP client of the providers (schemas.http.HttpClient): each request is sent at most once and has exactly one result."""

from agents.providers.http.address_policy import AddressPolicy
from agents.providers.http.aiohttp_client import AiohttpClient
from agents.providers.http.client import PooledHttpClient
from agents.providers.http.limits import HttpLimits

__all__ = ["AddressPolicy", "AiohttpClient", "HttpLimits", "PooledHttpClient"]
