"""The built dashboard: its files in memory with their ETag and a compressed form, as they are first asked for."""

import gzip
import mimetypes
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

DASHBOARD_DIRECTORY: Final = Path(__file__).parents[1] / "static" / "dashboard"
FIRST_PAGE: Final = "index.html"
ASSETS: Final = "assets/"

# scripts, styles and images of ours only; Mantine writes a style element and style attributes. Previews are in frames without an origin
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DashboardFile(NamedTuple):
    """A file as it is sent."""

    body: bytes
    compressed: bytes
    media_type: str
    etag: str


class DashboardFiles:
    """The files of a build. A name that is not one of its files leads to nothing, whatever it looks like."""

    def __init__(self, directory: Path = DASHBOARD_DIRECTORY) -> None:
        paths = sorted(path for path in directory.rglob("*") if path.is_file())
        self._paths = {path.relative_to(directory).as_posix(): path for path in paths}

    @property
    def is_built(self) -> bool:
        """Whether there is a build at all."""
        return FIRST_PAGE in self._paths

    def find(self, path: str) -> DashboardFile | None:
        """The file of a path under /dashboard/. Paths that are no file are pages, which the first page shows; assets are files only."""
        name = path.strip("/")
        if name not in self._paths and not name.startswith(ASSETS):
            name = FIRST_PAGE
        if name not in self._paths:
            return None
        file = self._paths[name]
        return _read_file(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read_file(path: Path, changed_at: int) -> DashboardFile:
    """Read a file again only after a new build."""
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "text/plain"
    return DashboardFile(body, gzip.compress(body, mtime=0), media_type, f'"{sha256(body).hexdigest()[:32]}"')
