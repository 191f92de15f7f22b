"""The operations on operations. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Operations(Transport):
    """The operations on operations."""

    def get_liveness(self) -> models.LivenessResponse:
        """Liveness. 200 while the process answers."""
        result: models.LivenessResponse = self.call(Request("GET", "/healthz"), {200: models.LivenessResponse})
        return result

    def get_metrics(self) -> str:
        """Metrics in Prometheus' text format. Counters and histograms of this process."""
        result: str = self.call(Request("GET", "/metrics"), {200: str})
        return result

    def get_readiness(self) -> models.ReadinessResponse:
        """Readiness. 200 if notifications can be accepted, else 503. The status is `degraded` if history, Redis or the pipeline fails its probe."""
        result: models.ReadinessResponse = self.call(Request("GET", "/readyz"), {200: models.ReadinessResponse})
        return result

    def list_providers(self) -> models.ProviderAccounts:
        """List the accounts of providers. With their weights, and which of their breakers are open. They are configured by settings, so they are read only."""
        result: models.ProviderAccounts = self.call(Request("GET", "/v1/providers"), {200: models.ProviderAccounts})
        return result


class AsyncOperations(AsyncTransport):
    """The operations on operations, to await."""

    async def get_liveness(self) -> models.LivenessResponse:
        """Liveness. 200 while the process answers."""
        result: models.LivenessResponse = await self.call(Request("GET", "/healthz"), {200: models.LivenessResponse})
        return result

    async def get_metrics(self) -> str:
        """Metrics in Prometheus' text format. Counters and histograms of this process."""
        result: str = await self.call(Request("GET", "/metrics"), {200: str})
        return result

    async def get_readiness(self) -> models.ReadinessResponse:
        """Readiness. 200 if notifications can be accepted, else 503. The status is `degraded` if history, Redis or the pipeline fails its probe."""
        result: models.ReadinessResponse = await self.call(Request("GET", "/readyz"), {200: models.ReadinessResponse})
        return result

    async def list_providers(self) -> models.ProviderAccounts:
        """List the accounts of providers. With their weights, and which of their breakers are open. They are configured by settings, so they are read only."""
        result: models.ProviderAccounts = await self.call(Request("GET", "/v1/providers"), {200: models.ProviderAccounts})
        return result
