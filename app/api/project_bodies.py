"""The bodies of requests about projects, and of the responses that list them."""

from msgspec import Struct

from schemas.projects import Project, ProjectChange, ProjectRequest


class ProjectPage(Struct, frozen=True):
    """Projects in the order of their ids; `next_cursor` is null on the last page."""

    items: list[Project]
    next_cursor: str | None


PROJECT_BODIES: tuple[type[Struct], ...] = (ProjectRequest, ProjectChange, ProjectPage)
"""The structs that OpenAPI describes."""

EXAMPLE_PROJECT_PAGE = ProjectPage([Project("acme", "Acme Ltd", 2, 100.0, 1000, None, 1760000000.0, "ada", 1)], None)
