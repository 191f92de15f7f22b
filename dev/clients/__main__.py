"""`python -m dev.clients` writes docs/reference/ and the generated files of the clients, all from the routes.

It takes the options of `python -m dev.reference`. The types of the TypeScript client need Node.js; without it they stay as they are, and
the exit code is 1 if they are not current.
"""

import sys
from collections.abc import Sequence

from dev.clients.python_client import PACKAGE_DIR, build_files, find_generated_files
from dev.clients.typescript_client import has_node, read_source_hash, write_types
from dev.reference import __main__ as reference
from dev.reference.openapi import build_openapi

COMMAND = "python -m dev.clients"


def find_outdated_files() -> list[str]:
    """The generated files of the Python client that are missing, that differ, or that nothing generates any more."""
    expected = build_files(build_openapi(), COMMAND)
    actual = {str(path.relative_to(PACKAGE_DIR)): path.read_text() for path in find_generated_files() if path.exists()}
    return sorted(path for path in {**expected, **actual} if expected.get(path) != actual.get(path))


def write_files() -> list[str]:
    """Write the outdated files and delete those that nothing generates; returns their paths."""
    expected, outdated = build_files(build_openapi(), COMMAND), find_outdated_files()
    for path in outdated:
        file = PACKAGE_DIR / path
        if path not in expected:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(expected[path])
    return outdated


def update_types() -> int:
    """Write the types of the TypeScript client if they are not those of the document; 1 if that needs Node.js, which is missing."""
    document = reference.REFERENCE_DIR / reference.OPENAPI_PATH
    source_hash = reference.hash_file(document)
    if read_source_hash() == source_hash:
        return 0
    if not has_node():
        print("the types of the TypeScript client are not current: install Node.js, and run this again", file=sys.stderr)
        return 1
    write_types(document, source_hash)
    print("clients/typescript/src/schema.d.ts")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Write everything; the exit code is 1 if something could not be written."""
    if reference.main(arguments):
        return 1
    print("\n".join(f"clients/python/herold_client/{path}" for path in write_files()) or "the Python client has not changed")
    return update_types()


if __name__ == "__main__":
    sys.exit(main())
