"""The operations on views. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport


class Views(Transport):
    """The operations on views."""

    def list_views(self, *, page_name: str, limit: int | None = None, cursor: str | None = None) -> models.ViewPage:
        """List saved views. The own views of a page and the shared ones of the project, in the order in which they were made."""
        result: models.ViewPage = self.call(
            Request("GET", "/v1/views", query={"page_name": page_name, "limit": limit, "cursor": cursor}), {200: models.ViewPage}
        )
        return result

    def iterate_views(self, *, page_name: str, limit: int | None = None) -> Iterator[models.SavedView]:
        """All items of `list_views`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_views(page_name=page_name, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_view(self, body: models.ViewRequest) -> models.SavedView:
        """Save a view. Keeps the filters of a page under a name, for the own account or for all of the project."""
        result: models.SavedView = self.call(Request("POST", "/v1/views", body=encode_body(body)), {201: models.SavedView})
        return result

    def delete_view(self, view_id: str) -> None:
        """Delete a saved view. An own one; a shared one also by an admin."""
        result: None = self.call(Request("DELETE", "/v1/views/{view_id}", path_values={"view_id": view_id}), {204: None})
        return result


class AsyncViews(AsyncTransport):
    """The operations on views, to await."""

    async def list_views(self, *, page_name: str, limit: int | None = None, cursor: str | None = None) -> models.ViewPage:
        """List saved views. The own views of a page and the shared ones of the project, in the order in which they were made."""
        result: models.ViewPage = await self.call(
            Request("GET", "/v1/views", query={"page_name": page_name, "limit": limit, "cursor": cursor}), {200: models.ViewPage}
        )
        return result

    async def iterate_views(self, *, page_name: str, limit: int | None = None) -> AsyncIterator[models.SavedView]:
        """All items of `list_views`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_views(page_name=page_name, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_view(self, body: models.ViewRequest) -> models.SavedView:
        """Save a view. Keeps the filters of a page under a name, for the own account or for all of the project."""
        result: models.SavedView = await self.call(Request("POST", "/v1/views", body=encode_body(body)), {201: models.SavedView})
        return result

    async def delete_view(self, view_id: str) -> None:
        """Delete a saved view. An own one; a shared one also by an admin."""
        result: None = await self.call(Request("DELETE", "/v1/views/{view_id}", path_values={"view_id": view_id}), {204: None})
        return result
