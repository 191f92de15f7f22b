"""The routes of the dashboard: the files that a browser loads. They have no data; what the dashboard shows, it reads from /v1."""

import asyncio
from functools import cache
from typing import Annotated

from litestar import Response, Router, get
from litestar.params import PathParameter
from litestar.response import Redirect

from app.api.access import PUBLIC
from app.api.dashboard_files import PAGE_POLICY, DashboardFile, DashboardFiles
from app.api.dependencies import ApiRequest
from app.api.problems import ProblemError, build_problem

NOT_BUILT = "the dashboard is not built; `make dashboard` builds it, and the API works without it"
FilePath = Annotated[str, PathParameter(description="a file of the build, or a page")]

get_files = cache(DashboardFiles)


@get("/", opt=PUBLIC, include_in_schema=False)
async def redirect_root() -> Redirect:
    """Lead a person who has typed the host's name to the dashboard."""
    return Redirect("/dashboard/" if get_files().is_built else "/docs")


@get("/dashboard", opt=PUBLIC, include_in_schema=False)
async def serve_first_page(request: ApiRequest) -> Response[bytes]:
    """Serve the first page."""
    return await _serve(request, "")


@get("/dashboard/{path:path}", opt=PUBLIC, include_in_schema=False)
async def serve_file(request: ApiRequest, path: FilePath) -> Response[bytes]:
    """Serve a file, or the first page for the path of a page."""
    return await _serve(request, str(path))


async def _serve(request: ApiRequest, path: str) -> Response[bytes]:
    files = get_files()
    if not files.is_built:
        raise ProblemError(build_problem("unavailable", NOT_BUILT))
    found = await asyncio.to_thread(files.find, path)
    if found is None:
        raise ProblemError(build_problem("not-found", "the dashboard has no such file"))
    return _respond(request, found)


def _respond(request: ApiRequest, file: DashboardFile) -> Response[bytes]:
    headers = {"etag": file.etag, "cache-control": "no-cache", "vary": "accept-encoding", "content-security-policy": PAGE_POLICY}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.body, media_type=file.media_type, headers=headers)


router = Router("/", route_handlers=[redirect_root, serve_first_page, serve_file])
