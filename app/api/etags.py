"""Versions of resources as ETags (RFC 9110, section 8.8.3): who changes a resource says with If-Match which version was read."""

import re
from typing import Annotated

from litestar.params import HeaderParameter

from app.api.problems import ProblemDetails, ProblemError, build_problem

IfMatchHeader = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="the ETag that was read; the change fails with 412 if the resource has changed since"),
]

_match_etag = re.compile(r'"([0-9]{1,18})"').fullmatch


def build_etag_headers(version: int) -> dict[str, str]:
    """The header with the ETag of this version."""
    return {"etag": f'"{version}"'}


def parse_if_match(header: str | None) -> int | None:
    """The version that a change is for; None without the header, or with `*` for any version. Raises ProblemError for another text."""
    if header is None or header.strip() == "*":
        return None
    match = _match_etag(header.strip())
    if match is None:
        raise ProblemError(build_problem("precondition-failed", f'If-Match is {header[:32]!r}; send the ETag as it was read, such as "17"'))
    return int(match[1])


def require_if_match(header: str | None) -> int | None:
    """The version that a change is for, None for `*`. Raises ProblemError without the header: nobody shall overwrite what was not read."""
    if header is None:
        detail = 'send If-Match with the ETag that you read, such as If-Match: "17", or If-Match: * to change any version'
        raise ProblemError(build_problem("precondition-required", detail))
    return parse_if_match(header)


def build_mismatch_problem(version: int) -> ProblemDetails:
    """The problem of a change for a version that is not the current one."""
    return build_problem("precondition-failed", f'the resource has changed, its ETag is "{version}" now: read it again, then change it')
