"""The operations on templates. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Templates(Transport):
    """The operations on templates."""

    def list_templates(self, *, limit: int | None = None, cursor: str | None = None, search: str | None = None) -> models.TemplatePage:
        """List templates. The templates by name, with their published and latest versions."""
        result: models.TemplatePage = self.call(
            Request("GET", "/v1/templates", query={"limit": limit, "cursor": cursor, "search": search}), {200: models.TemplatePage}
        )
        return result

    def iterate_templates(self, *, limit: int | None = None, search: str | None = None) -> Iterator[models.TemplateSummary]:
        """All items of `list_templates`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_templates(limit=limit, search=search, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_template(self, name: str, *, version: int | None = None) -> models.TemplateVersion:
        """Get a template. A version with its document. The ETag is the number of the published version, 0 if none is published."""
        result: models.TemplateVersion = self.call(
            Request("GET", "/v1/templates/{name}", path_values={"name": name}, query={"version": version}), {200: models.TemplateVersion}
        )
        return result

    def check_template(self, name: str, body: models.CheckRequest) -> models.VersionReport:
        """Check a version of a template. What publishing a version would do: what would make it refused, and how sizes, SMS segments and costs change; nothing is stored.

        Failures have the ids of recorded notifications for who has `notifications:read`, too. The search for them ends after 8 s."""
        result: models.VersionReport = self.call(
            Request("POST", "/v1/templates/{name}/check", path_values={"name": name}, body=encode_body(body)), {200: models.VersionReport}
        )
        return result

    def get_template_history(self, name: str) -> models.TemplateHistory:
        """Get the history of a template. The versions, and which was published when, by whom and why; newest first."""
        result: models.TemplateHistory = self.call(
            Request("GET", "/v1/templates/{name}/history", path_values={"name": name}), {200: models.TemplateHistory}
        )
        return result

    def preview_template(self, name: str, body: models.PreviewRequest) -> models.PreviewResponse:
        """Preview a template. What a template renders to on each channel and in each of its locales, or in one; nothing is sent or stored."""
        result: models.PreviewResponse = self.call(
            Request("POST", "/v1/templates/{name}/preview", path_values={"name": name}, body=encode_body(body)),
            {200: models.PreviewResponse},
        )
        return result

    def publish_template(
        self,
        name: str,
        body: models.PublishRequest,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.VersionReport:
        """Publish a version of a template. Makes a version the one that is used; reports how sizes, SMS segments and costs change.

        It is refused if one of its samples fails, or one of the newest recorded notifications that the published version renders."""
        result: models.VersionReport = self.call(
            Request(
                "POST",
                "/v1/templates/{name}/publish",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.VersionReport},
        )
        return result

    def roll_back_template(
        self,
        name: str,
        body: models.RollbackRequest,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.VersionReport:
        """Roll a template back. Publishes an earlier version again: the one that was published before, or the one of the request."""
        result: models.VersionReport = self.call(
            Request(
                "POST",
                "/v1/templates/{name}/rollback",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.VersionReport},
        )
        return result

    def count_template_variants(self, name: str, *, days: int | None = None, experiment: str | None = None) -> models.ExperimentCounts:
        """Count the deliveries of variants. The deliveries of each variant of the published version by channel and status, and the percentage of users that it has."""
        result: models.ExperimentCounts = self.call(
            Request("GET", "/v1/templates/{name}/variants", path_values={"name": name}, query={"days": days, "experiment": experiment}),
            {200: models.ExperimentCounts},
        )
        return result

    def draft_template(
        self, name: str, body: models.DraftRequest, *, actor: str | None = None, idempotency_key: str | None = None
    ) -> models.TemplateVersion:
        """Draft a version of a template. Writes the next version, which nobody uses before it is published."""
        result: models.TemplateVersion = self.call(
            Request(
                "POST",
                "/v1/templates/{name}/versions",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.TemplateVersion},
        )
        return result


class AsyncTemplates(AsyncTransport):
    """The operations on templates, to await."""

    async def list_templates(
        self, *, limit: int | None = None, cursor: str | None = None, search: str | None = None
    ) -> models.TemplatePage:
        """List templates. The templates by name, with their published and latest versions."""
        result: models.TemplatePage = await self.call(
            Request("GET", "/v1/templates", query={"limit": limit, "cursor": cursor, "search": search}), {200: models.TemplatePage}
        )
        return result

    async def iterate_templates(self, *, limit: int | None = None, search: str | None = None) -> AsyncIterator[models.TemplateSummary]:
        """All items of `list_templates`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_templates(limit=limit, search=search, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_template(self, name: str, *, version: int | None = None) -> models.TemplateVersion:
        """Get a template. A version with its document. The ETag is the number of the published version, 0 if none is published."""
        result: models.TemplateVersion = await self.call(
            Request("GET", "/v1/templates/{name}", path_values={"name": name}, query={"version": version}), {200: models.TemplateVersion}
        )
        return result

    async def check_template(self, name: str, body: models.CheckRequest) -> models.VersionReport:
        """Check a version of a template. What publishing a version would do: what would make it refused, and how sizes, SMS segments and costs change; nothing is stored.

        Failures have the ids of recorded notifications for who has `notifications:read`, too. The search for them ends after 8 s."""
        result: models.VersionReport = await self.call(
            Request("POST", "/v1/templates/{name}/check", path_values={"name": name}, body=encode_body(body)), {200: models.VersionReport}
        )
        return result

    async def get_template_history(self, name: str) -> models.TemplateHistory:
        """Get the history of a template. The versions, and which was published when, by whom and why; newest first."""
        result: models.TemplateHistory = await self.call(
            Request("GET", "/v1/templates/{name}/history", path_values={"name": name}), {200: models.TemplateHistory}
        )
        return result

    async def preview_template(self, name: str, body: models.PreviewRequest) -> models.PreviewResponse:
        """Preview a template. What a template renders to on each channel and in each of its locales, or in one; nothing is sent or stored."""
        result: models.PreviewResponse = await self.call(
            Request("POST", "/v1/templates/{name}/preview", path_values={"name": name}, body=encode_body(body)),
            {200: models.PreviewResponse},
        )
        return result

    async def publish_template(
        self,
        name: str,
        body: models.PublishRequest,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.VersionReport:
        """Publish a version of a template. Makes a version the one that is used; reports how sizes, SMS segments and costs change.

        It is refused if one of its samples fails, or one of the newest recorded notifications that the published version renders."""
        result: models.VersionReport = await self.call(
            Request(
                "POST",
                "/v1/templates/{name}/publish",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.VersionReport},
        )
        return result

    async def roll_back_template(
        self,
        name: str,
        body: models.RollbackRequest,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.VersionReport:
        """Roll a template back. Publishes an earlier version again: the one that was published before, or the one of the request."""
        result: models.VersionReport = await self.call(
            Request(
                "POST",
                "/v1/templates/{name}/rollback",
                path_values={"name": name},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.VersionReport},
        )
        return result

    async def count_template_variants(
        self, name: str, *, days: int | None = None, experiment: str | None = None
    ) -> models.ExperimentCounts:
        """Count the deliveries of variants. The deliveries of each variant of the published version by channel and status, and the percentage of users that it has."""
        result: models.ExperimentCounts = await self.call(
            Request("GET", "/v1/templates/{name}/variants", path_values={"name": name}, query={"days": days, "experiment": experiment}),
            {200: models.ExperimentCounts},
        )
        return result

    async def draft_template(
        self, name: str, body: models.DraftRequest, *, actor: str | None = None, idempotency_key: str | None = None
    ) -> models.TemplateVersion:
        """Draft a version of a template. Writes the next version, which nobody uses before it is published."""
        result: models.TemplateVersion = await self.call(
            Request(
                "POST",
                "/v1/templates/{name}/versions",
                path_values={"name": name},
                headers={"Herold-Actor": actor, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.TemplateVersion},
        )
        return result
