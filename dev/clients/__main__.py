"""`python -m dev.clients` writes the generated files of the clients from the OpenAPI document of the routes.

The types of the TypeScript client need Node.js; without it they stay as they are, and the command says so.
"""

import sys

from dev.clients.python_client import PACKAGE_DIR, build_files, find_generated_files
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


if __name__ == "__main__":
    print("\n".join(write_files()) or "no file has changed")
    sys.exit(0)
