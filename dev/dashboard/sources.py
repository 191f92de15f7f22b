"""The sources of the dashboard, and their hash in the build: a build is current if it was made of what is there now."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE_DIRECTORY: Final = ROOT / "dashboard"
CLIENT: Final = ROOT / "clients" / "typescript" / "src" / "index.ts"  # its types are no part of a build
BUILD_DIRECTORY: Final = ROOT / "app" / "static" / "dashboard"
BUILD_FILE: Final = BUILD_DIRECTORY / "BUILD.json"
NOT_BUILT_FROM: Final = frozenset({"node_modules", "test"})


def list_sources() -> Iterator[Path]:
    """The files that a build depends on, in the order of their names."""
    for path in sorted(SOURCE_DIRECTORY.rglob("*")):
        if path.is_file() and NOT_BUILT_FROM.isdisjoint(path.relative_to(SOURCE_DIRECTORY).parts):
            yield path
    yield CLIENT


def compute_source_hash() -> str:
    """The SHA-256 of the names and contents of all sources, as hex."""
    total = sha256()
    for path in list_sources():
        name, content = path.relative_to(ROOT).as_posix().encode(), path.read_bytes()
        total.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return total.hexdigest()


def read_build_hash() -> str:
    """The hash of the sources of the build that is there; empty if there is none."""
    return str(json.loads(BUILD_FILE.read_text())["sources"]) if BUILD_FILE.exists() else ""


def write_build_hash() -> None:
    """Write down which sources the build was made of."""
    BUILD_FILE.write_text(json.dumps({"sources": compute_source_hash()}) + "\n")
