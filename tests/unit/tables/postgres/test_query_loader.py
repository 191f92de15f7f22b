"""Queries are loaded by name."""

from pathlib import Path

import pytest

from tables.postgres import query_loader

FILES = sorted(path.stem for path in (Path(query_loader.__file__).parent / "queries").glob("*.sql"))


def test_a_query_has_neither_its_header_nor_its_semicolon() -> None:
    assert query_loader.load_queries("partitions")["create_partition"] == "select create_partition($1, $2)"


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_queries_and_none_is_empty(file: str) -> None:
    queries = query_loader.load_queries(file)
    assert queries
    assert all(query.strip() for query in queries.values())


@pytest.mark.parametrize("text", ["select 1;\n-- a: first.\nselect 1;", "-- a: first.\nselect 1;\n-- a: second.\nselect 2;"])
def test_a_query_without_a_unique_name_is_an_error(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "bad.sql").write_text(text)
    monkeypatch.setattr(query_loader, "__file__", str(tmp_path / "query_loader.py"))
    with pytest.raises(ValueError, match=r"bad\.sql"):
        query_loader.load_queries("bad")
