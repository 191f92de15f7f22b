"""The HTTP client behind schemas.ports.HttpClient: one request, one answer, never sent twice."""

from agents.providers.http.client import PooledHttpClient
from agents.providers.http.limits import HttpLimits

__all__ = ["HttpLimits", "PooledHttpClient"]
