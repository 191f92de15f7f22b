"""The queries in queries/*.sql by name; each starts with a line `-- name: what it gives`."""

import re
from collections.abc import Mapping
from pathlib import Path

_HEADER = re.compile(r"^-- (\w+): .+$", re.MULTILINE)


def load_queries(file: str) -> Mapping[str, str]:
    """The queries of one file. Raises ValueError for text before the first name and for a name used twice."""
    before, *parts = _HEADER.split((Path(__file__).parent / "queries" / f"{file}.sql").read_text())
    names = parts[::2]
    if before.strip() or len(set(names)) < len(names):
        raise ValueError(f"queries/{file}.sql: each query needs one line `-- name: what it gives`, and a name of its own")
    return {name: text.strip().rstrip(";") for name, text in zip(names, parts[1::2], strict=True)}
