"""The HTTP client behind schemas.ports.HttpClient: one request, one answer, never sent twice."""

from agents.providers.http.client import PoolClient
from agents.providers.http.limits import Limits

__all__ = ["Limits", "PoolClient"]
