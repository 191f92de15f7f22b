"""The operations on operations. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


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

    def get_overview(self) -> models.OverviewResponse:
        """Get what needs attention. Queue depth by priority, workers, open breakers, dead letters, and what needs somebody, with the page that shows it."""
        result: models.OverviewResponse = self.call(Request("GET", "/v1/overview"), {200: models.OverviewResponse})
        return result

    def list_providers(self) -> models.ProviderAccounts:
        """List the accounts of providers. With their weights, breakers and pauses, and how their calls went lately. Which accounts there are is configured by settings."""
        result: models.ProviderAccounts = self.call(Request("GET", "/v1/providers"), {200: models.ProviderAccounts})
        return result

    def pause_provider(
        self,
        body: models.PauseRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.AccountPause:
        """Pause an account of a provider. Within some seconds no worker calls it. Its deliveries wait, or go to another account of the channel, and use up no attempt."""
        result: models.AccountPause = self.call(
            Request(
                "POST",
                "/v1/providers/pause",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.AccountPause},
        )
        return result

    def resume_provider(
        self,
        body: models.ResumeRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.AccountPause:
        """Resume an account of a provider. Within some seconds workers call it again: once at first, then more and more. Returns the pause that has ended."""
        result: models.AccountPause = self.call(
            Request(
                "POST",
                "/v1/providers/resume",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.AccountPause},
        )
        return result

    def list_tables(self) -> models.TablesResponse:
        """List the workers' tables. Each table of each role: size, partitions, standbys and recovery. All rows of one user are in the state of the user."""
        result: models.TablesResponse = self.call(Request("GET", "/v1/tables"), {200: models.TablesResponse})
        return result

    def get_table_row(self, table: str, key: str, *, user_id: str, role: str | None = None) -> models.TableRow:
        """Look a row of a table up. The row of a user's key: an idempotency key or notification id, a category of rate windows, the id of a digest, entry or delivery."""
        result: models.TableRow = self.call(
            Request(
                "GET", "/v1/tables/{table}/keys/{key}", path_values={"table": table, "key": key}, query={"user_id": user_id, "role": role}
            ),
            {200: models.TableRow},
        )
        return result

    def get_topology(self) -> models.TopologyResponse:
        """Get the pipeline with its rates and lag. Topics, roles, tables, stores and accounts of providers, and what flows between them. Offsets are read at most every 5 s."""
        result: models.TopologyResponse = self.call(Request("GET", "/v1/topology"), {200: models.TopologyResponse})
        return result

    def list_workers(self) -> models.WorkersResponse:
        """List the workers. The members of each role's consumer group with their partitions, and what each worker says of itself."""
        result: models.WorkersResponse = self.call(Request("GET", "/v1/workers"), {200: models.WorkersResponse})
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

    async def get_overview(self) -> models.OverviewResponse:
        """Get what needs attention. Queue depth by priority, workers, open breakers, dead letters, and what needs somebody, with the page that shows it."""
        result: models.OverviewResponse = await self.call(Request("GET", "/v1/overview"), {200: models.OverviewResponse})
        return result

    async def list_providers(self) -> models.ProviderAccounts:
        """List the accounts of providers. With their weights, breakers and pauses, and how their calls went lately. Which accounts there are is configured by settings."""
        result: models.ProviderAccounts = await self.call(Request("GET", "/v1/providers"), {200: models.ProviderAccounts})
        return result

    async def pause_provider(
        self,
        body: models.PauseRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.AccountPause:
        """Pause an account of a provider. Within some seconds no worker calls it. Its deliveries wait, or go to another account of the channel, and use up no attempt."""
        result: models.AccountPause = await self.call(
            Request(
                "POST",
                "/v1/providers/pause",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.AccountPause},
        )
        return result

    async def resume_provider(
        self,
        body: models.ResumeRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.AccountPause:
        """Resume an account of a provider. Within some seconds workers call it again: once at first, then more and more. Returns the pause that has ended."""
        result: models.AccountPause = await self.call(
            Request(
                "POST",
                "/v1/providers/resume",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.AccountPause},
        )
        return result

    async def list_tables(self) -> models.TablesResponse:
        """List the workers' tables. Each table of each role: size, partitions, standbys and recovery. All rows of one user are in the state of the user."""
        result: models.TablesResponse = await self.call(Request("GET", "/v1/tables"), {200: models.TablesResponse})
        return result

    async def get_table_row(self, table: str, key: str, *, user_id: str, role: str | None = None) -> models.TableRow:
        """Look a row of a table up. The row of a user's key: an idempotency key or notification id, a category of rate windows, the id of a digest, entry or delivery."""
        result: models.TableRow = await self.call(
            Request(
                "GET", "/v1/tables/{table}/keys/{key}", path_values={"table": table, "key": key}, query={"user_id": user_id, "role": role}
            ),
            {200: models.TableRow},
        )
        return result

    async def get_topology(self) -> models.TopologyResponse:
        """Get the pipeline with its rates and lag. Topics, roles, tables, stores and accounts of providers, and what flows between them. Offsets are read at most every 5 s."""
        result: models.TopologyResponse = await self.call(Request("GET", "/v1/topology"), {200: models.TopologyResponse})
        return result

    async def list_workers(self) -> models.WorkersResponse:
        """List the workers. The members of each role's consumer group with their partitions, and what each worker says of itself."""
        result: models.WorkersResponse = await self.call(Request("GET", "/v1/workers"), {200: models.WorkersResponse})
        return result
