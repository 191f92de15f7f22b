"""Named queries."""

from pathlib import Path

import pytest

from tables.postgres import query_loader

FILES = sorted(path.stem for path in (Path(query_loader.__file__).parent / "queries").glob("*.sql"))


def test_a_query_is_found_by_its_name_without_header_and_semicolon() -> None:
    assert query_loader.load_queries("partitions")["create_partition"] == "select create_partition($1, $2)"


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_named_queries_that_are_not_empty(file: str) -> None:
    found = query_loader.load_queries(file)
    assert found
    assert all(query.strip() for query in found.values())


@pytest.mark.parametrize("text", ["select 1;\n-- a: one\nselect 1;", "-- a: one\nselect 1;\n-- a: two\nselect 2;"])
def test_a_query_without_a_name_of_its_own_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "bad.sql").write_text(text)
    monkeypatch.setattr(query_loader, "__file__", str(tmp_path / "sql.py"))
    with pytest.raises(ValueError, match=r"bad\.sql"):
        query_loader.load_queries("bad")
