"""The pages for people: the OpenAPI document, and a page that draws it without loading anything from elsewhere."""

from pathlib import Path

import msgspec
from litestar import Litestar, MediaType, Response, get
from litestar.response import Redirect

from app.api.openapi import document
from app.api.problems import KINDS

PAGE = Path(__file__).with_name("docs.html")
POLICY = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def add_pages(app: Litestar) -> None:
    """Give the app its root, `/docs` and `/openapi.json`; both are made here, once."""
    described = msgspec.json.encode(document(app))
    page = PAGE.read_bytes().replace(b"<!-- problems -->", _problems())

    @get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response[bytes]:
        return Response(described, media_type="application/json")

    @get("/docs", include_in_schema=False, media_type=MediaType.HTML)
    async def docs() -> Response[bytes]:
        return Response(page, media_type="text/html", headers={"content-security-policy": POLICY})

    @get("/", include_in_schema=False)
    async def root() -> Redirect:
        return Redirect("/docs")

    for handler in (openapi, docs, root):
        app.register(handler)


def _problems() -> bytes:
    rows = (
        f'<tr id="{kind}"><td>{status}</td><td><code>{kind}</code></td><td>{title}</td></tr>' for kind, (status, title) in KINDS.items()
    )
    return "\n".join(rows).encode()
