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


def test_a_query_is_restricted_to_a_project_or_to_none() -> None:
    query = "select from one where project_is($2) and id = $1 or project_is($12)"
    assert query_loader.restrict_to_project(query, "acme") == "select from one where project = $2 and id = $1 or project = $12"
    assert query_loader.restrict_to_project(query, "") == query_loader.restrict_to_project(query, "acme")
    assert query_loader.restrict_to_project(query, None) == "select from one where $2::text is null and id = $1 or $12::text is null"


def test_no_query_is_run_without_its_project() -> None:
    directory = Path(query_loader.__file__).parent
    for file in FILES:
        if any("project_is(" in query for query in query_loader.load_queries(file).values()):
            assert "restrict_to_project(" in (directory / f"{file}.py").read_text(), file
