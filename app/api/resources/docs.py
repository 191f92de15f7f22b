"""The OpenAPI document, and an HTML page that renders it without loading anything from other hosts."""

import asyncio
from functools import cache
from pathlib import Path

import msgspec
from litestar import Litestar, MediaType, Response, get

from app.api.access import PUBLIC
from app.api.openapi import build_openapi_document
from app.api.problems import PROBLEM_KINDS
from app.api.security_headers import build_page_policy

PAGE_PATH = Path(__file__).with_name("docs.html")


def register_docs_routes(app: Litestar) -> None:
    """Add the routes `/docs` and `/openapi.json`. The document is built at its first request, as that takes a second."""
    build_document = cache(lambda: msgspec.json.encode(build_openapi_document(app)))
    page = PAGE_PATH.read_text("utf-8").replace("<!-- problems -->", _render_problem_rows())
    policy = build_page_policy(page)

    @get("/openapi.json", opt=PUBLIC, include_in_schema=False)
    async def serve_openapi() -> Response[bytes]:
        return Response(await asyncio.to_thread(build_document), media_type="application/json")

    @get("/docs", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML)
    async def serve_docs() -> Response[str]:
        return Response(page, media_type="text/html", headers={"content-security-policy": policy})

    for handler in (serve_openapi, serve_docs):
        app.register(handler)


def _render_problem_rows() -> str:
    rows = (
        f'<tr id="{kind}"><td>{status}</td><td><code>{kind}</code></td><td>{title}</td></tr>'
        for kind, (status, title) in PROBLEM_KINDS.items()
    )
    return "\n".join(rows)
