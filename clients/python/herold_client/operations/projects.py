"""The operations on projects. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Projects(Transport):
    """The operations on projects."""

    def list_projects(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.ProjectPage:
        """List projects. In the order of their ids; without the default one, which has none."""
        result: models.ProjectPage = self.call(
            Request("GET", "/v1/projects", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.ProjectPage}
        )
        return result

    def iterate_projects(self, *, search: str | None = None, limit: int | None = None) -> Iterator[models.Project]:
        """All items of `list_projects`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_projects(search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_project(
        self,
        body: models.ProjectRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Project:
        """Create a project. What belongs to it is made with its keys."""
        result: models.Project = self.call(
            Request(
                "POST",
                "/v1/projects",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Project},
        )
        return result

    def get_project(self, project_id: str) -> models.Project:
        """Get a project. The ETag is the version."""
        result: models.Project = self.call(
            Request("GET", "/v1/projects/{project_id}", path_values={"project_id": project_id}), {200: models.Project}
        )
        return result

    def change_project(
        self,
        project_id: str,
        body: models.ProjectChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Project:
        """Change a project. Its id stays, because it is a part of what belongs to it. A new rate counts after a few seconds. Needs If-Match."""
        result: models.Project = self.call(
            Request(
                "PATCH",
                "/v1/projects/{project_id}",
                path_values={"project_id": project_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Project},
        )
        return result

    def list_project_api_keys(self, project_id: str, *, limit: int | None = None, cursor: str | None = None) -> models.ApiKeyPage:
        """List the API keys of a project. In the order of their names, without secrets, those in force."""
        result: models.ApiKeyPage = self.call(
            Request(
                "GET",
                "/v1/projects/{project_id}/api-keys",
                path_values={"project_id": project_id},
                query={"limit": limit, "cursor": cursor},
            ),
            {200: models.ApiKeyPage},
        )
        return result

    def iterate_project_api_keys(self, project_id: str, *, limit: int | None = None) -> Iterator[models.ApiKey]:
        """All items of `list_project_api_keys`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_project_api_keys(project_id, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_project_api_key(
        self,
        project_id: str,
        body: models.ApiKeyRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Create an API key of a project. The first key of a project, which makes the others. The response has its text, which is shown only now."""
        result: models.CreatedApiKey = self.call(
            Request(
                "POST",
                "/v1/projects/{project_id}/api-keys",
                path_values={"project_id": project_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedApiKey},
        )
        return result


class AsyncProjects(AsyncTransport):
    """The operations on projects, to await."""

    async def list_projects(self, *, search: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.ProjectPage:
        """List projects. In the order of their ids; without the default one, which has none."""
        result: models.ProjectPage = await self.call(
            Request("GET", "/v1/projects", query={"search": search, "limit": limit, "cursor": cursor}), {200: models.ProjectPage}
        )
        return result

    async def iterate_projects(self, *, search: str | None = None, limit: int | None = None) -> AsyncIterator[models.Project]:
        """All items of `list_projects`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_projects(search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_project(
        self,
        body: models.ProjectRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Project:
        """Create a project. What belongs to it is made with its keys."""
        result: models.Project = await self.call(
            Request(
                "POST",
                "/v1/projects",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.Project},
        )
        return result

    async def get_project(self, project_id: str) -> models.Project:
        """Get a project. The ETag is the version."""
        result: models.Project = await self.call(
            Request("GET", "/v1/projects/{project_id}", path_values={"project_id": project_id}), {200: models.Project}
        )
        return result

    async def change_project(
        self,
        project_id: str,
        body: models.ProjectChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Project:
        """Change a project. Its id stays, because it is a part of what belongs to it. A new rate counts after a few seconds. Needs If-Match."""
        result: models.Project = await self.call(
            Request(
                "PATCH",
                "/v1/projects/{project_id}",
                path_values={"project_id": project_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Project},
        )
        return result

    async def list_project_api_keys(self, project_id: str, *, limit: int | None = None, cursor: str | None = None) -> models.ApiKeyPage:
        """List the API keys of a project. In the order of their names, without secrets, those in force."""
        result: models.ApiKeyPage = await self.call(
            Request(
                "GET",
                "/v1/projects/{project_id}/api-keys",
                path_values={"project_id": project_id},
                query={"limit": limit, "cursor": cursor},
            ),
            {200: models.ApiKeyPage},
        )
        return result

    async def iterate_project_api_keys(self, project_id: str, *, limit: int | None = None) -> AsyncIterator[models.ApiKey]:
        """All items of `list_project_api_keys`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_project_api_keys(project_id, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_project_api_key(
        self,
        project_id: str,
        body: models.ApiKeyRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.CreatedApiKey:
        """Create an API key of a project. The first key of a project, which makes the others. The response has its text, which is shown only now."""
        result: models.CreatedApiKey = await self.call(
            Request(
                "POST",
                "/v1/projects/{project_id}/api-keys",
                path_values={"project_id": project_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {201: models.CreatedApiKey},
        )
        return result
