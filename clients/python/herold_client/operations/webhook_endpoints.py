"""The operations on webhook endpoints. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class WebhookEndpoints(Transport):
    """The operations on webhook endpoints."""

    def list_webhook_endpoints(
        self,
        *,
        kind: Literal["user", "status"] | None = None,
        user_id: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.WebhookEndpointPage:
        """List webhook endpoints. In the order of their creation."""
        result: models.WebhookEndpointPage = self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints",
                query={"kind": kind, "user_id": user_id, "enabled": enabled, "search": search, "limit": limit, "cursor": cursor},
            ),
            {200: models.WebhookEndpointPage},
        )
        return result

    def iterate_webhook_endpoints(
        self,
        *,
        kind: Literal["user", "status"] | None = None,
        user_id: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.WebhookEndpoint]:
        """All items of `list_webhook_endpoints`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_webhook_endpoints(kind=kind, user_id=user_id, enabled=enabled, search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_webhook_endpoint(
        self,
        body: models.EndpointRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedEndpoint:
        """Create a webhook endpoint. The response has the secret, which is shown only now. The URL must resolve to addresses that may be called."""
        result: models.CreatedEndpoint = self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedEndpoint},
        )
        return result

    def get_webhook_endpoint(self, endpoint_id: str) -> models.WebhookEndpoint:
        """Get a webhook endpoint. The ETag is the version. Secrets are not shown; public keys are."""
        result: models.WebhookEndpoint = self.call(
            Request("GET", "/v1/webhook-endpoints/{endpoint_id}", path_values={"endpoint_id": endpoint_id}), {200: models.WebhookEndpoint}
        )
        return result

    def delete_webhook_endpoint(
        self,
        endpoint_id: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a webhook endpoint. Deliveries that are on their way to it fail. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/webhook-endpoints/{endpoint_id}",
                path_values={"endpoint_id": endpoint_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def change_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.WebhookEndpoint:
        """Change a webhook endpoint. Changes the fields of the body; a new URL is checked as that of a new endpoint. Needs If-Match."""
        result: models.WebhookEndpoint = self.call(
            Request(
                "PATCH",
                "/v1/webhook-endpoints/{endpoint_id}",
                path_values={"endpoint_id": endpoint_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    def list_webhook_endpoint_attempts(
        self, endpoint_id: str, *, failed: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.EndpointAttemptPage:
        """List the attempts at a webhook endpoint. The newest first, as long as the history is kept. What ended without an attempt, such as expired, is not among them. Attempts that
        were recorded before the upgrade that brought this list are not there; the statistics count them."""
        result: models.EndpointAttemptPage = self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints/{endpoint_id}/attempts",
                path_values={"endpoint_id": endpoint_id},
                query={"failed": failed, "limit": limit, "cursor": cursor},
            ),
            {200: models.EndpointAttemptPage},
        )
        return result

    def iterate_webhook_endpoint_attempts(
        self, endpoint_id: str, *, failed: bool | None = None, limit: int | None = None
    ) -> Iterator[models.EndpointAttempt]:
        """All items of `list_webhook_endpoint_attempts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_webhook_endpoint_attempts(endpoint_id, failed=failed, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def disable_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.WebhookEndpoint:
        """Disable a webhook endpoint. It is not called any more, from a few seconds later on also by deliveries that are on their way."""
        result: models.WebhookEndpoint = self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/disable",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    def enable_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.WebhookEndpoint:
        """Enable a webhook endpoint. It is called again; what has failed meanwhile is not sent again by itself."""
        result: models.WebhookEndpoint = self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/enable",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    def ping_webhook_endpoint(self, endpoint_id: str, body: models.PingRequest, *, idempotency_key: str | None = None) -> models.PingResult:
        """Send a test webhook. A signed webhook of the type herold.ping, on the way of all others. PENDING: there is no answer yet; ask again with its id."""
        result: models.PingResult = self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/ping",
                path_values={"endpoint_id": endpoint_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.PingResult},
        )
        return result

    def get_webhook_endpoint_ping(self, endpoint_id: str, delivery_id: str) -> models.PingResult:
        """Get the result of a test webhook. PENDING as long as there is no answer."""
        result: models.PingResult = self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints/{endpoint_id}/pings/{delivery_id}",
                path_values={"endpoint_id": endpoint_id, "delivery_id": delivery_id},
            ),
            {200: models.PingResult},
        )
        return result

    def rotate_webhook_endpoint_secret(
        self,
        endpoint_id: str,
        body: models.SecretRotation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedEndpoint:
        """Rotate the secret of a webhook endpoint. The response has the new secret, which is shown only now. Until the overlap ends each webhook has a signature with either."""
        result: models.CreatedEndpoint = self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.CreatedEndpoint},
        )
        return result

    def get_webhook_endpoint_statistics(self, endpoint_id: str, *, hours: int | None = None) -> models.EndpointStatistics:
        """Get the statistics of a webhook endpoint. How many calls were answered with 2xx, and how many were not."""
        result: models.EndpointStatistics = self.call(
            Request(
                "GET", "/v1/webhook-endpoints/{endpoint_id}/statistics", path_values={"endpoint_id": endpoint_id}, query={"hours": hours}
            ),
            {200: models.EndpointStatistics},
        )
        return result


class AsyncWebhookEndpoints(AsyncTransport):
    """The operations on webhook endpoints, to await."""

    async def list_webhook_endpoints(
        self,
        *,
        kind: Literal["user", "status"] | None = None,
        user_id: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.WebhookEndpointPage:
        """List webhook endpoints. In the order of their creation."""
        result: models.WebhookEndpointPage = await self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints",
                query={"kind": kind, "user_id": user_id, "enabled": enabled, "search": search, "limit": limit, "cursor": cursor},
            ),
            {200: models.WebhookEndpointPage},
        )
        return result

    async def iterate_webhook_endpoints(
        self,
        *,
        kind: Literal["user", "status"] | None = None,
        user_id: str | None = None,
        enabled: bool | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.WebhookEndpoint]:
        """All items of `list_webhook_endpoints`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_webhook_endpoints(kind=kind, user_id=user_id, enabled=enabled, search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_webhook_endpoint(
        self,
        body: models.EndpointRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedEndpoint:
        """Create a webhook endpoint. The response has the secret, which is shown only now. The URL must resolve to addresses that may be called."""
        result: models.CreatedEndpoint = await self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedEndpoint},
        )
        return result

    async def get_webhook_endpoint(self, endpoint_id: str) -> models.WebhookEndpoint:
        """Get a webhook endpoint. The ETag is the version. Secrets are not shown; public keys are."""
        result: models.WebhookEndpoint = await self.call(
            Request("GET", "/v1/webhook-endpoints/{endpoint_id}", path_values={"endpoint_id": endpoint_id}), {200: models.WebhookEndpoint}
        )
        return result

    async def delete_webhook_endpoint(
        self,
        endpoint_id: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a webhook endpoint. Deliveries that are on their way to it fail. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/webhook-endpoints/{endpoint_id}",
                path_values={"endpoint_id": endpoint_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def change_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.WebhookEndpoint:
        """Change a webhook endpoint. Changes the fields of the body; a new URL is checked as that of a new endpoint. Needs If-Match."""
        result: models.WebhookEndpoint = await self.call(
            Request(
                "PATCH",
                "/v1/webhook-endpoints/{endpoint_id}",
                path_values={"endpoint_id": endpoint_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    async def list_webhook_endpoint_attempts(
        self, endpoint_id: str, *, failed: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.EndpointAttemptPage:
        """List the attempts at a webhook endpoint. The newest first, as long as the history is kept. What ended without an attempt, such as expired, is not among them. Attempts that
        were recorded before the upgrade that brought this list are not there; the statistics count them."""
        result: models.EndpointAttemptPage = await self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints/{endpoint_id}/attempts",
                path_values={"endpoint_id": endpoint_id},
                query={"failed": failed, "limit": limit, "cursor": cursor},
            ),
            {200: models.EndpointAttemptPage},
        )
        return result

    async def iterate_webhook_endpoint_attempts(
        self, endpoint_id: str, *, failed: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[models.EndpointAttempt]:
        """All items of `list_webhook_endpoint_attempts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_webhook_endpoint_attempts(endpoint_id, failed=failed, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def disable_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.WebhookEndpoint:
        """Disable a webhook endpoint. It is not called any more, from a few seconds later on also by deliveries that are on their way."""
        result: models.WebhookEndpoint = await self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/disable",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    async def enable_webhook_endpoint(
        self,
        endpoint_id: str,
        body: models.EndpointActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.WebhookEndpoint:
        """Enable a webhook endpoint. It is called again; what has failed meanwhile is not sent again by itself."""
        result: models.WebhookEndpoint = await self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/enable",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.WebhookEndpoint},
        )
        return result

    async def ping_webhook_endpoint(
        self, endpoint_id: str, body: models.PingRequest, *, idempotency_key: str | None = None
    ) -> models.PingResult:
        """Send a test webhook. A signed webhook of the type herold.ping, on the way of all others. PENDING: there is no answer yet; ask again with its id."""
        result: models.PingResult = await self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/ping",
                path_values={"endpoint_id": endpoint_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.PingResult},
        )
        return result

    async def get_webhook_endpoint_ping(self, endpoint_id: str, delivery_id: str) -> models.PingResult:
        """Get the result of a test webhook. PENDING as long as there is no answer."""
        result: models.PingResult = await self.call(
            Request(
                "GET",
                "/v1/webhook-endpoints/{endpoint_id}/pings/{delivery_id}",
                path_values={"endpoint_id": endpoint_id, "delivery_id": delivery_id},
            ),
            {200: models.PingResult},
        )
        return result

    async def rotate_webhook_endpoint_secret(
        self,
        endpoint_id: str,
        body: models.SecretRotation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedEndpoint:
        """Rotate the secret of a webhook endpoint. The response has the new secret, which is shown only now. Until the overlap ends each webhook has a signature with either."""
        result: models.CreatedEndpoint = await self.call(
            Request(
                "POST",
                "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
                path_values={"endpoint_id": endpoint_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.CreatedEndpoint},
        )
        return result

    async def get_webhook_endpoint_statistics(self, endpoint_id: str, *, hours: int | None = None) -> models.EndpointStatistics:
        """Get the statistics of a webhook endpoint. How many calls were answered with 2xx, and how many were not."""
        result: models.EndpointStatistics = await self.call(
            Request(
                "GET", "/v1/webhook-endpoints/{endpoint_id}/statistics", path_values={"endpoint_id": endpoint_id}, query={"hours": hours}
            ),
            {200: models.EndpointStatistics},
        )
        return result
