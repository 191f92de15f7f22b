"""The sources of the dashboard and its build, by their hashes: a build is current if it was made of what is there now, and is untouched."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE_DIRECTORY: Final = ROOT / "dashboard"
CLIENT: Final = ROOT / "clients" / "typescript" / "src" / "index.ts"  # its types are no part of a build
BUILD_DIRECTORY: Final = ROOT / "app" / "static" / "dashboard"
BUILD_FILE: Final = BUILD_DIRECTORY / "BUILD.json"
SOURCES: Final = ("index.html", "package-lock.json", "package.json", "src", "tsconfig.json", "vite.config.ts")


def list_sources() -> Iterator[Path]:
    """The files that a build depends on, in the order of their names."""
    for name in SOURCES:
        path = SOURCE_DIRECTORY / name
        yield from (path,) if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    yield CLIENT


def list_built_files() -> Iterator[Path]:
    """The files of the build, in the order of their names."""
    yield from sorted(path for path in BUILD_DIRECTORY.rglob("*") if path.is_file() and path != BUILD_FILE)


def compute_hash(paths: Iterable[Path]) -> str:
    """The SHA-256 of the names and contents of files, as hex."""
    total = sha256()
    for path in paths:
        name, content = path.relative_to(ROOT).as_posix().encode(), path.read_bytes()
        total.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return total.hexdigest()


def compute_hashes() -> dict[str, str]:
    """The hashes of the sources and of the files of the build."""
    return {"sources": compute_hash(list_sources()), "files": compute_hash(list_built_files())}


def read_hashes() -> dict[str, str]:
    """The hashes that the last build has written down; nothing if there is none."""
    return dict(json.loads(BUILD_FILE.read_text())) if BUILD_FILE.exists() else {}


def write_hashes() -> None:
    """Write down what the build was made of, and what it is."""
    BUILD_FILE.write_text(json.dumps(compute_hashes()) + "\n")
