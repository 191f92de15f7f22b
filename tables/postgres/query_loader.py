"""Loads the named queries of queries/*.sql. A query starts with a line `-- name: description`."""

import re
from collections.abc import Mapping
from pathlib import Path

_PROJECT_IS = re.compile(r"project_is\((\$\d+)\)")
_HEADER = re.compile(r"^-- (\w+): .+$", re.MULTILINE)


def load_queries(file: str, directory: Path | None = None) -> Mapping[str, str]:
    """Load the queries of one file, by name; `directory` defaults to queries/.

    Raises ValueError for text before the first name and for a duplicate name.
    """
    path = (directory or Path(__file__).parent / "queries") / f"{file}.sql"
    before, *parts = _HEADER.split(path.read_text())
    names = parts[::2]
    if before.strip() or len(set(names)) < len(names):
        raise ValueError(f"{path}: each query must start with a line `-- name: description` with a unique name")
    return {name: text.strip().rstrip(";") for name, text in zip(names, parts[1::2], strict=True)}


def restrict_to_project(query: str, project: str | None) -> str:
    """The query with its `project_is($n)` as a condition that an index serves, or as one that is always true where all projects are meant.

    As one condition for both, `$n is null or project = $n`, no index would. The argument is the project in either case.
    """
    return _PROJECT_IS.sub(r"\1::text is null" if project is None else r"project = \1", query)
