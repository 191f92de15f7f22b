"""The operations on API keys. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class ApiKeys(Transport):
    """The operations on API keys."""

    def list_api_keys(
        self, *, search: str | None = None, ended: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.ApiKeyPage:
        """List API keys. In the order of their names, without secrets."""
        result: models.ApiKeyPage = self.call(
            Request("GET", "/v1/api-keys", query={"search": search, "ended": ended, "limit": limit, "cursor": cursor}),
            {200: models.ApiKeyPage},
        )
        return result

    def iterate_api_keys(
        self, *, search: str | None = None, ended: bool | None = None, limit: int | None = None
    ) -> Iterator[models.ApiKey]:
        """All items of `list_api_keys`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_api_keys(search=search, ended=ended, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_api_key(
        self,
        body: models.ApiKeyRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Create an API key. The response has the text of the key, which is shown only now. A key can do nothing that its creator cannot do."""
        result: models.CreatedApiKey = self.call(
            Request(
                "POST",
                "/v1/api-keys",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedApiKey},
        )
        return result

    def get_api_key(self, key_id: str) -> models.ApiKey:
        """Get an API key. The ETag is the version. Its text is not shown."""
        result: models.ApiKey = self.call(Request("GET", "/v1/api-keys/{key_id}", path_values={"key_id": key_id}), {200: models.ApiKey})
        return result

    def change_api_key(
        self,
        key_id: str,
        body: models.ApiKeyChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.ApiKey:
        """Change an API key. Changes the fields of the body, everywhere within 30 s. Needs If-Match."""
        result: models.ApiKey = self.call(
            Request(
                "PATCH",
                "/v1/api-keys/{key_id}",
                path_values={"key_id": key_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.ApiKey},
        )
        return result

    def revoke_api_key(
        self,
        key_id: str,
        body: models.KeyRevocation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ApiKey:
        """Revoke an API key. It ends for good, everywhere within 30 s; it stays in the list of ended keys."""
        result: models.ApiKey = self.call(
            Request(
                "POST",
                "/v1/api-keys/{key_id}/revoke",
                path_values={"key_id": key_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ApiKey},
        )
        return result

    def rotate_api_key(
        self,
        key_id: str,
        body: models.KeyRotation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Rotate the secret of an API key. The response has the new text, which is shown only now. The one before counts for the overlap as well, by default a day."""
        result: models.CreatedApiKey = self.call(
            Request(
                "POST",
                "/v1/api-keys/{key_id}/rotate",
                path_values={"key_id": key_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.CreatedApiKey},
        )
        return result


class AsyncApiKeys(AsyncTransport):
    """The operations on API keys, to await."""

    async def list_api_keys(
        self, *, search: str | None = None, ended: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.ApiKeyPage:
        """List API keys. In the order of their names, without secrets."""
        result: models.ApiKeyPage = await self.call(
            Request("GET", "/v1/api-keys", query={"search": search, "ended": ended, "limit": limit, "cursor": cursor}),
            {200: models.ApiKeyPage},
        )
        return result

    async def iterate_api_keys(
        self, *, search: str | None = None, ended: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[models.ApiKey]:
        """All items of `list_api_keys`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_api_keys(search=search, ended=ended, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_api_key(
        self,
        body: models.ApiKeyRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Create an API key. The response has the text of the key, which is shown only now. A key can do nothing that its creator cannot do."""
        result: models.CreatedApiKey = await self.call(
            Request(
                "POST",
                "/v1/api-keys",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedApiKey},
        )
        return result

    async def get_api_key(self, key_id: str) -> models.ApiKey:
        """Get an API key. The ETag is the version. Its text is not shown."""
        result: models.ApiKey = await self.call(
            Request("GET", "/v1/api-keys/{key_id}", path_values={"key_id": key_id}), {200: models.ApiKey}
        )
        return result

    async def change_api_key(
        self,
        key_id: str,
        body: models.ApiKeyChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.ApiKey:
        """Change an API key. Changes the fields of the body, everywhere within 30 s. Needs If-Match."""
        result: models.ApiKey = await self.call(
            Request(
                "PATCH",
                "/v1/api-keys/{key_id}",
                path_values={"key_id": key_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.ApiKey},
        )
        return result

    async def revoke_api_key(
        self,
        key_id: str,
        body: models.KeyRevocation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ApiKey:
        """Revoke an API key. It ends for good, everywhere within 30 s; it stays in the list of ended keys."""
        result: models.ApiKey = await self.call(
            Request(
                "POST",
                "/v1/api-keys/{key_id}/revoke",
                path_values={"key_id": key_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ApiKey},
        )
        return result

    async def rotate_api_key(
        self,
        key_id: str,
        body: models.KeyRotation,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Rotate the secret of an API key. The response has the new text, which is shown only now. The one before counts for the overlap as well, by default a day."""
        result: models.CreatedApiKey = await self.call(
            Request(
                "POST",
                "/v1/api-keys/{key_id}/rotate",
                path_values={"key_id": key_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.CreatedApiKey},
        )
        return result
