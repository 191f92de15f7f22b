"""The operations on audiences. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport


class Audiences(Transport):
    """The operations on audiences."""

    def list_audiences(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.AudiencePage:
        """List audiences. In the order of names."""
        result: models.AudiencePage = self.call(
            Request("GET", "/v1/audiences", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.AudiencePage}
        )
        return result

    def iterate_audiences(self, *, search: str | None = None, limit: int | None = None) -> Iterator[models.Audience]:
        """All items of `list_audiences`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_audiences(search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def preview_filter(self, body: models.AudienceFilter) -> models.RecipientPreview:
        """Count the users who match a filter. As an audience with this filter would; nothing is stored."""
        result: models.RecipientPreview = self.call(
            Request("POST", "/v1/audiences/preview", body=encode_body(body)), {200: models.RecipientPreview}
        )
        return result

    def get_audience(self, name: str) -> models.Audience:
        """Get an audience. The ETag is the version, which members do not change."""
        result: models.Audience = self.call(Request("GET", "/v1/audiences/{name}", path_values={"name": name}), {200: models.Audience})
        return result

    def put_audience(
        self,
        name: str,
        body: models.AudienceDefinition,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Audience:
        """Create or replace an audience. With a filter, the users who match it; without one, a list. One that exists is replaced, for which If-Match is needed."""
        result: models.Audience = self.call(
            Request(
                "PUT",
                "/v1/audiences/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Audience, 201: models.Audience},
        )
        return result

    def delete_audience(
        self,
        name: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete an audience. Deletes it with its members, not its users. Not while a schedule or a broadcast that has not ended uses it. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/audiences/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def list_audience_members(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.MemberPage:
        """List the users of an audience. In the order of ids: the members of a list, or the users who match the filter now."""
        result: models.MemberPage = self.call(
            Request("GET", "/v1/audiences/{name}/members", path_values={"name": name}, query={"limit": limit, "cursor": cursor}),
            {200: models.MemberPage},
        )
        return result

    def iterate_audience_members(self, name: str, *, limit: int | None = None) -> Iterator[str]:
        """All items of `list_audience_members`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_audience_members(name, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def change_audience_members(
        self,
        name: str,
        body: models.MemberChange,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.MemberCounts:
        """Change the members of a list. Adds and removes users, at most 1,000 of each; with `preview` only says what would change. A user who does not exist is an error."""
        result: models.MemberCounts = self.call(
            Request(
                "PATCH",
                "/v1/audiences/{name}/members",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.MemberCounts},
        )
        return result

    def preview_audience(self, name: str) -> models.RecipientPreview:
        """Count the users of an audience. How many users are in it now, and the first of them."""
        result: models.RecipientPreview = self.call(
            Request("GET", "/v1/audiences/{name}/preview", path_values={"name": name}), {200: models.RecipientPreview}
        )
        return result


class AsyncAudiences(AsyncTransport):
    """The operations on audiences, to await."""

    async def list_audiences(
        self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.AudiencePage:
        """List audiences. In the order of names."""
        result: models.AudiencePage = await self.call(
            Request("GET", "/v1/audiences", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.AudiencePage}
        )
        return result

    async def iterate_audiences(self, *, search: str | None = None, limit: int | None = None) -> AsyncIterator[models.Audience]:
        """All items of `list_audiences`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_audiences(search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def preview_filter(self, body: models.AudienceFilter) -> models.RecipientPreview:
        """Count the users who match a filter. As an audience with this filter would; nothing is stored."""
        result: models.RecipientPreview = await self.call(
            Request("POST", "/v1/audiences/preview", body=encode_body(body)), {200: models.RecipientPreview}
        )
        return result

    async def get_audience(self, name: str) -> models.Audience:
        """Get an audience. The ETag is the version, which members do not change."""
        result: models.Audience = await self.call(
            Request("GET", "/v1/audiences/{name}", path_values={"name": name}), {200: models.Audience}
        )
        return result

    async def put_audience(
        self,
        name: str,
        body: models.AudienceDefinition,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Audience:
        """Create or replace an audience. With a filter, the users who match it; without one, a list. One that exists is replaced, for which If-Match is needed."""
        result: models.Audience = await self.call(
            Request(
                "PUT",
                "/v1/audiences/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Audience, 201: models.Audience},
        )
        return result

    async def delete_audience(
        self,
        name: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete an audience. Deletes it with its members, not its users. Not while a schedule or a broadcast that has not ended uses it. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/audiences/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def list_audience_members(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.MemberPage:
        """List the users of an audience. In the order of ids: the members of a list, or the users who match the filter now."""
        result: models.MemberPage = await self.call(
            Request("GET", "/v1/audiences/{name}/members", path_values={"name": name}, query={"limit": limit, "cursor": cursor}),
            {200: models.MemberPage},
        )
        return result

    async def iterate_audience_members(self, name: str, *, limit: int | None = None) -> AsyncIterator[str]:
        """All items of `list_audience_members`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_audience_members(name, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def change_audience_members(
        self,
        name: str,
        body: models.MemberChange,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.MemberCounts:
        """Change the members of a list. Adds and removes users, at most 1,000 of each; with `preview` only says what would change. A user who does not exist is an error."""
        result: models.MemberCounts = await self.call(
            Request(
                "PATCH",
                "/v1/audiences/{name}/members",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.MemberCounts},
        )
        return result

    async def preview_audience(self, name: str) -> models.RecipientPreview:
        """Count the users of an audience. How many users are in it now, and the first of them."""
        result: models.RecipientPreview = await self.call(
            Request("GET", "/v1/audiences/{name}/preview", path_values={"name": name}), {200: models.RecipientPreview}
        )
        return result
