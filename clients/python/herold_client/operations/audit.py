"""The operations on audit. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Audit(Transport):
    """The operations on audit."""

    def list_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.AuditPage:
        """List the audit log. Newest first: who changed what, when and from where. Addresses in details are masked."""
        result: models.AuditPage = self.call(
            Request(
                "GET",
                "/v1/audit",
                query={
                    "actor": actor,
                    "principal": principal,
                    "action": action,
                    "object_type": object_type,
                    "object_id": object_id,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.AuditPage},
        )
        return result

    def iterate_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> Iterator[models.AuditEntry]:
        """All items of `list_audit_entries`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_audit_entries(
                actor=actor,
                principal=principal,
                action=action,
                object_type=object_type,
                object_id=object_id,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def export_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> str:
        """Export the audit log as CSV. As the list is. A cell that a spreadsheet would take for a formula begins with an apostrophe. If there is more, the response has the
        header Herold-Next-Cursor."""
        result: str = self.call(
            Request(
                "GET",
                "/v1/audit/export",
                query={
                    "actor": actor,
                    "principal": principal,
                    "action": action,
                    "object_type": object_type,
                    "object_id": object_id,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: str},
        )
        return result

    def get_log_heads(self) -> models.LogHeads:
        """Get the heads of the logs. The number and hash of the last entry of each log. Noted elsewhere, they show later if a log was cut or replaced.

        The logs are of all projects, so only the default one may read their heads."""
        result: models.LogHeads = self.call(Request("GET", "/v1/audit/head"), {200: models.LogHeads})
        return result

    def get_audit_entry(self, entry_id: str) -> models.AuditEntry:
        """Get an entry of the audit log. One of the project at hand. Addresses in its details are masked."""
        result: models.AuditEntry = self.call(
            Request("GET", "/v1/audit/{entry_id}", path_values={"entry_id": entry_id}), {200: models.AuditEntry}
        )
        return result


class AsyncAudit(AsyncTransport):
    """The operations on audit, to await."""

    async def list_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.AuditPage:
        """List the audit log. Newest first: who changed what, when and from where. Addresses in details are masked."""
        result: models.AuditPage = await self.call(
            Request(
                "GET",
                "/v1/audit",
                query={
                    "actor": actor,
                    "principal": principal,
                    "action": action,
                    "object_type": object_type,
                    "object_id": object_id,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.AuditPage},
        )
        return result

    async def iterate_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.AuditEntry]:
        """All items of `list_audit_entries`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_audit_entries(
                actor=actor,
                principal=principal,
                action=action,
                object_type=object_type,
                object_id=object_id,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
            )
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def export_audit_entries(
        self,
        *,
        actor: str | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> str:
        """Export the audit log as CSV. As the list is. A cell that a spreadsheet would take for a formula begins with an apostrophe. If there is more, the response has the
        header Herold-Next-Cursor."""
        result: str = await self.call(
            Request(
                "GET",
                "/v1/audit/export",
                query={
                    "actor": actor,
                    "principal": principal,
                    "action": action,
                    "object_type": object_type,
                    "object_id": object_id,
                    "since": since,
                    "until": until,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: str},
        )
        return result

    async def get_log_heads(self) -> models.LogHeads:
        """Get the heads of the logs. The number and hash of the last entry of each log. Noted elsewhere, they show later if a log was cut or replaced.

        The logs are of all projects, so only the default one may read their heads."""
        result: models.LogHeads = await self.call(Request("GET", "/v1/audit/head"), {200: models.LogHeads})
        return result

    async def get_audit_entry(self, entry_id: str) -> models.AuditEntry:
        """Get an entry of the audit log. One of the project at hand. Addresses in its details are masked."""
        result: models.AuditEntry = await self.call(
            Request("GET", "/v1/audit/{entry_id}", path_values={"entry_id": entry_id}), {200: models.AuditEntry}
        )
        return result
