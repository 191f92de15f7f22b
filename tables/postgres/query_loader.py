"""Loads the named queries of queries/*.sql. A query starts with a line `-- name: description`."""

import re
from collections.abc import Mapping
from pathlib import Path

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
