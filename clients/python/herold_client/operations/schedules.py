"""The operations on schedules. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Schedules(Transport):
    """The operations on schedules."""

    def list_schedules(
        self,
        *,
        search: str | None = None,
        state: Literal["active", "paused", "ended"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SchedulePage:
        """List schedules. In the order of names."""
        result: models.SchedulePage = self.call(
            Request("GET", "/v1/schedules", query={"search": search, "state": state, "limit": limit, "cursor": cursor}),
            {200: models.SchedulePage},
        )
        return result

    def iterate_schedules(
        self, *, search: str | None = None, state: Literal["active", "paused", "ended"] | None = None, limit: int | None = None
    ) -> Iterator[models.Schedule]:
        """All items of `list_schedules`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_schedules(search=search, state=state, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def preview_schedule(self, body: models.ScheduleTimes) -> models.NextRuns:
        """Show when a schedule would run. The times of its next runs, in its zone; nothing is stored."""
        result: models.NextRuns = self.call(Request("POST", "/v1/schedules/preview", body=encode_body(body)), {200: models.NextRuns})
        return result

    def get_schedule(self, name: str) -> models.ScheduleDetails:
        """Get a schedule. With the times of its next runs. The ETag is the version, which runs do not change."""
        result: models.ScheduleDetails = self.call(
            Request("GET", "/v1/schedules/{name}", path_values={"name": name}), {200: models.ScheduleDetails}
        )
        return result

    def put_schedule(
        self,
        name: str,
        body: models.ScheduleDefinition,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.ScheduleDetails:
        """Create or replace a schedule. Each run is a broadcast. One that exists is replaced, for which If-Match is needed; one that is paused stays so."""
        result: models.ScheduleDetails = self.call(
            Request(
                "PUT",
                "/v1/schedules/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails, 201: models.ScheduleDetails},
        )
        return result

    def delete_schedule(
        self,
        name: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a schedule. It never runs again; runs that have started go on, as broadcasts. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/schedules/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def pause_schedule(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ScheduleDetails:
        """Pause a schedule. It does not run until it is resumed; runs that have started go on."""
        result: models.ScheduleDetails = self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/pause",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails},
        )
        return result

    def resume_schedule(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ScheduleDetails:
        """Resume a schedule. It runs at its next time; the times of the pause are not made up for."""
        result: models.ScheduleDetails = self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/resume",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails},
        )
        return result

    def list_schedule_runs(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.BroadcastPage:
        """List the runs of a schedule. The broadcasts of its runs, newest first."""
        result: models.BroadcastPage = self.call(
            Request("GET", "/v1/schedules/{name}/runs", path_values={"name": name}, query={"limit": limit, "cursor": cursor}),
            {200: models.BroadcastPage},
        )
        return result

    def iterate_schedule_runs(self, name: str, *, limit: int | None = None) -> Iterator[models.Broadcast]:
        """All items of `list_schedule_runs`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_schedule_runs(name, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def start_schedule_run(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Run a schedule now. Besides the runs at its times, which stay as they are; also while it is paused."""
        result: models.Broadcast = self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/runs",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Broadcast},
        )
        return result


class AsyncSchedules(AsyncTransport):
    """The operations on schedules, to await."""

    async def list_schedules(
        self,
        *,
        search: str | None = None,
        state: Literal["active", "paused", "ended"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SchedulePage:
        """List schedules. In the order of names."""
        result: models.SchedulePage = await self.call(
            Request("GET", "/v1/schedules", query={"search": search, "state": state, "limit": limit, "cursor": cursor}),
            {200: models.SchedulePage},
        )
        return result

    async def iterate_schedules(
        self, *, search: str | None = None, state: Literal["active", "paused", "ended"] | None = None, limit: int | None = None
    ) -> AsyncIterator[models.Schedule]:
        """All items of `list_schedules`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_schedules(search=search, state=state, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def preview_schedule(self, body: models.ScheduleTimes) -> models.NextRuns:
        """Show when a schedule would run. The times of its next runs, in its zone; nothing is stored."""
        result: models.NextRuns = await self.call(Request("POST", "/v1/schedules/preview", body=encode_body(body)), {200: models.NextRuns})
        return result

    async def get_schedule(self, name: str) -> models.ScheduleDetails:
        """Get a schedule. With the times of its next runs. The ETag is the version, which runs do not change."""
        result: models.ScheduleDetails = await self.call(
            Request("GET", "/v1/schedules/{name}", path_values={"name": name}), {200: models.ScheduleDetails}
        )
        return result

    async def put_schedule(
        self,
        name: str,
        body: models.ScheduleDefinition,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.ScheduleDetails:
        """Create or replace a schedule. Each run is a broadcast. One that exists is replaced, for which If-Match is needed; one that is paused stays so."""
        result: models.ScheduleDetails = await self.call(
            Request(
                "PUT",
                "/v1/schedules/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails, 201: models.ScheduleDetails},
        )
        return result

    async def delete_schedule(
        self,
        name: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a schedule. It never runs again; runs that have started go on, as broadcasts. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/schedules/{name}",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def pause_schedule(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ScheduleDetails:
        """Pause a schedule. It does not run until it is resumed; runs that have started go on."""
        result: models.ScheduleDetails = await self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/pause",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails},
        )
        return result

    async def resume_schedule(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.ScheduleDetails:
        """Resume a schedule. It runs at its next time; the times of the pause are not made up for."""
        result: models.ScheduleDetails = await self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/resume",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.ScheduleDetails},
        )
        return result

    async def list_schedule_runs(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.BroadcastPage:
        """List the runs of a schedule. The broadcasts of its runs, newest first."""
        result: models.BroadcastPage = await self.call(
            Request("GET", "/v1/schedules/{name}/runs", path_values={"name": name}, query={"limit": limit, "cursor": cursor}),
            {200: models.BroadcastPage},
        )
        return result

    async def iterate_schedule_runs(self, name: str, *, limit: int | None = None) -> AsyncIterator[models.Broadcast]:
        """All items of `list_schedule_runs`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_schedule_runs(name, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def start_schedule_run(
        self,
        name: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Run a schedule now. Besides the runs at its times, which stay as they are; also while it is paused."""
        result: models.Broadcast = await self.call(
            Request(
                "POST",
                "/v1/schedules/{name}/runs",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Broadcast},
        )
        return result
