"""The bodies of requests for templates, and of their responses."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from schemas.policy import MAX_VERSION
from schemas.template_document import TemplateDocument
from schemas.template_versions import ContentPreview, LocaleGap, TemplateSummary

Force = Annotated[bool, Meta(description="also if it fails on recorded notifications, or they cannot be read")]
Comment = Annotated[str, Meta(max_length=1000, description="why, for the history")]
VersionNumber = Annotated[int, Meta(ge=1, le=MAX_VERSION)]


class DraftRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The next version of a template; with `base_version` only if that is still the latest one, 0 if there is none."""

    document: TemplateDocument
    comment: Comment = ""
    base_version: Annotated[int, Meta(ge=0, le=MAX_VERSION)] | None = None


class CheckRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that may be published."""

    version: VersionNumber


class PreviewRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be shown: a document, else a version, else the published one; with data, else a sample, else the first sample."""

    document: TemplateDocument | None = None
    version: VersionNumber | None = None
    data: dict[str, Any] | None = None
    sample: str | None = None
    locale: Annotated[str, Meta(max_length=35)] | None = None
    time_zone: Annotated[str, Meta(max_length=64)] = ""


class PublishRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that is to be in force."""

    version: VersionNumber
    comment: Comment = ""
    force: Force = False


class RollbackRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that is to be in force again; without it the one that was published before."""

    version: VersionNumber | None = None
    comment: Comment = ""
    force: Force = False


class TemplatePage(Struct, frozen=True):
    """A page of templates, by name."""

    items: list[TemplateSummary]
    next_cursor: str | None


class PreviewResponse(Struct, frozen=True):
    """What a template renders to, and the locales in which it is not complete."""

    contents: list[ContentPreview]
    gaps: list[LocaleGap]


TEMPLATE_REQUESTS = (CheckRequest, DraftRequest, PreviewRequest, PublishRequest, RollbackRequest)
