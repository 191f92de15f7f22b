"""Projects: whose an id is. One of a project other than the default one is stored as `@<project>/<id>`; one of the default one is plain.

So records, tables, row keys and partitions need no other field, and no two projects have one id.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

MARK: Final = "@"
DEFAULT_PROJECT: Final = ""

is_project_id = re.compile(r"[a-z0-9][a-z0-9-]{0,30}").fullmatch

ProjectId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", description="lower-case letters, digits and hyphens, at most 31")]

OptionalProject = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,30})?$", description="empty: the default project")]

project_in_force: ContextVar[str | None] = ContextVar("project_in_force", default=None)
"""The project of the request at hand, whose rows PostgreSQL shows; None where all are: in workers, and in a gateway without projects."""


ProjectName = Annotated[str, Meta(min_length=1, max_length=128)]
Weight = Annotated[int, Meta(ge=1, le=1000, description="its share under load: times the default rate and burst of projects")]
Rate = Annotated[float, Meta(gt=0, le=1_000_000, description="notifications a second; null: the default, times the weight")]
Burst = Annotated[int, Meta(ge=1, le=1_000_000_000, description="notifications at once; null: a second of its rate, else the default")]
Encrypts = Annotated[bool, Meta(description="whether personal data of its users is encrypted; null: as encryption.enabled says")]


class ProjectRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new project."""

    id: ProjectId
    name: ProjectName
    weight: Weight = 1
    rate: Rate | None = None
    burst: Burst | None = None
    encrypts: Encrypts | None = None


class ProjectChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes of a project; what is left out stays as it is."""

    name: ProjectName | UnsetType = UNSET
    weight: Weight | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    burst: Burst | UnsetType | None = UNSET
    encrypts: Encrypts | UnsetType | None = UNSET


class Project(Struct, frozen=True):
    """A project; `version` is the ETag, the time is in epoch seconds. What is null is as the settings say."""

    id: str
    name: str
    weight: int
    rate: float | None
    burst: int | None
    encrypts: bool | None
    created_at: float
    created_by: str
    version: int


class ProjectSettings(Struct, frozen=True):
    """What operators chose for a project: `rate` in notifications a second; None is as the settings say."""

    weight: int = 1
    rate: float | None = None
    burst: int | None = None
    encrypts: bool | None = None


DEFAULTS: Final = ProjectSettings()
"""Of the default project, and of one that is not known."""


@contextmanager
def leave_project() -> Iterator[None]:
    """Let what runs within see the rows of all projects: what it reads must follow from what the request may see."""
    token = project_in_force.set(None)
    try:
        yield
    finally:
        project_in_force.reset(token)


def qualify(project: str, text: str) -> str:
    """An id of a project as it is stored."""
    return f"{MARK}{project}/{text}" if project else text


def strip_project(project: str, text: str) -> str:
    """A stored id of a project as the project knows it; any other text stays as it is."""
    return text.removeprefix(qualify(project, "")) if project else text


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
