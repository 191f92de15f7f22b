"""Projects: whose an id is. One of a project other than the default one is stored as `@<project>/<id>`; one of the default one is plain.

So records, tables, row keys and partitions need no other field, and no two projects have one id.
"""

import re
from contextvars import ContextVar
from typing import Annotated, Final

from msgspec import Meta, Struct

MARK: Final = "@"
DEFAULT_PROJECT: Final = ""

is_project_id = re.compile(r"[a-z0-9][a-z0-9-]{0,30}").fullmatch

ProjectId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", description="lower-case letters, digits and hyphens, at most 31")]

OptionalProject = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,30})?$", description="empty: the default project")]

project_in_force: ContextVar[str | None] = ContextVar("project_in_force", default=None)
"""The project of the request at hand, whose rows PostgreSQL shows; None where all are: in workers, and in a gateway without projects."""


class ProjectRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new project."""

    id: ProjectId
    name: Annotated[str, Meta(min_length=1, max_length=128)]


class ProjectChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What changes of a project."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]


class Project(Struct, frozen=True):
    """A project; `version` is the ETag, the time is in epoch seconds."""

    id: str
    name: str
    created_at: float
    created_by: str
    version: int


def qualify(project: str, text: str) -> str:
    """An id of a project as it is stored."""
    return f"{MARK}{project}/{text}" if project else text


def find_project(text: str) -> str:
    """The project of a stored id; empty for the default one, also if the id only looks like one of a project."""
    if not text.startswith(MARK):
        return DEFAULT_PROJECT
    project, slash, _ = text[1:].partition("/")
    return project if slash and is_project_id(project) else DEFAULT_PROJECT


def qualify_once(project: str, text: str) -> str:
    """An id as it is stored, which may have its project already: that one, or another one's, which stays."""
    return text if find_project(text) else qualify(project, text)


def is_reserved(text: str) -> bool:
    """Whether a text cannot be an id of the default project: it would be one of another project."""
    return text.startswith(MARK)
