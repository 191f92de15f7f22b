"""The operations on preferences. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport


class Preferences(Transport):
    """The operations on preferences."""

    def list_consent_events(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.ConsentEventPage:
        """List a user's consent events. Who changed preferences and suppressions, what, when and from where, newest first; also those of a user who is deleted."""
        result: models.ConsentEventPage = self.call(
            Request(
                "GET",
                "/v1/users/{user_id}/consent-events",
                path_values={"user_id": user_id},
                query={"masked": masked, "limit": limit, "cursor": cursor},
            ),
            {200: models.ConsentEventPage},
        )
        return result

    def iterate_consent_events(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None
    ) -> Iterator[models.ConsentEvent]:
        """All items of `list_consent_events`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_consent_events(user_id, masked=masked, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_preferences(self, user_id: str) -> models.PreferenceList:
        """Get a user's preferences. All of them, by category and channel; the ETag is the user's."""
        result: models.PreferenceList = self.call(
            Request("GET", "/v1/users/{user_id}/preferences", path_values={"user_id": user_id}), {200: models.PreferenceList}
        )
        return result

    def put_preferences(
        self,
        user_id: str,
        body: models.PreferenceSet,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.PreferenceList:
        """Replace a user's preferences. The user has these and no others afterwards. Needs If-Match."""
        result: models.PreferenceList = self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}/preferences",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.PreferenceList},
        )
        return result

    def change_preferences(
        self,
        user_id: str,
        body: models.PreferencePatch,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.PreferenceList:
        """Change some of a user's preferences. Others stay; a null choice deletes. If-Match is not needed, so that an opt-out never fails because something else has changed."""
        result: models.PreferenceList = self.call(
            Request(
                "PATCH",
                "/v1/users/{user_id}/preferences",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.PreferenceList},
        )
        return result


class AsyncPreferences(AsyncTransport):
    """The operations on preferences, to await."""

    async def list_consent_events(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.ConsentEventPage:
        """List a user's consent events. Who changed preferences and suppressions, what, when and from where, newest first; also those of a user who is deleted."""
        result: models.ConsentEventPage = await self.call(
            Request(
                "GET",
                "/v1/users/{user_id}/consent-events",
                path_values={"user_id": user_id},
                query={"masked": masked, "limit": limit, "cursor": cursor},
            ),
            {200: models.ConsentEventPage},
        )
        return result

    async def iterate_consent_events(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[models.ConsentEvent]:
        """All items of `list_consent_events`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_consent_events(user_id, masked=masked, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_preferences(self, user_id: str) -> models.PreferenceList:
        """Get a user's preferences. All of them, by category and channel; the ETag is the user's."""
        result: models.PreferenceList = await self.call(
            Request("GET", "/v1/users/{user_id}/preferences", path_values={"user_id": user_id}), {200: models.PreferenceList}
        )
        return result

    async def put_preferences(
        self,
        user_id: str,
        body: models.PreferenceSet,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.PreferenceList:
        """Replace a user's preferences. The user has these and no others afterwards. Needs If-Match."""
        result: models.PreferenceList = await self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}/preferences",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.PreferenceList},
        )
        return result

    async def change_preferences(
        self,
        user_id: str,
        body: models.PreferencePatch,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.PreferenceList:
        """Change some of a user's preferences. Others stay; a null choice deletes. If-Match is not needed, so that an opt-out never fails because something else has changed."""
        result: models.PreferenceList = await self.call(
            Request(
                "PATCH",
                "/v1/users/{user_id}/preferences",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.PreferenceList},
        )
        return result
