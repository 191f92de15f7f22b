"""The files of the dashboard's build: only they can be found, and a page's path leads to the first page."""

import gzip
import os
from pathlib import Path

import pytest

from app.api.dashboard_files import DASHBOARD_DIRECTORY, DashboardFiles


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build beside a file that is no part of it."""
    directory = tmp_path / "build"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html>")
    (directory / "assets" / "index.js").write_text("void 0")
    (tmp_path / "secret.txt").write_text("secret")
    return directory


@pytest.mark.parametrize("path", ["", "/", "index.html", "notifications", "/notifications/ntf_1", "no/such/page"])
def test_a_page_is_the_first_page(build: Path, path: str) -> None:
    found = DashboardFiles(build).find(path)
    assert found is not None
    assert (found.body, found.media_type) == (b"<!doctype html>", "text/html")


def test_an_asset_is_itself(build: Path) -> None:
    found = DashboardFiles(build).find("/assets/index.js")
    assert found is not None
    assert found.media_type in ("text/javascript", "application/javascript")
    assert gzip.decompress(found.compressed) == found.body == b"void 0"


@pytest.mark.parametrize("path", ["assets/other.js", "assets/../../secret.txt"])
def test_an_asset_that_is_none_is_not_found(build: Path, path: str) -> None:
    assert DashboardFiles(build).find(path) is None


@pytest.mark.parametrize("path", ["../secret.txt", "/../secret.txt", "..%2fsecret.txt", "/etc/passwd"])
def test_no_path_leads_out_of_the_build(build: Path, path: str) -> None:
    found = DashboardFiles(build).find(path)
    assert found is not None
    assert found.body == b"<!doctype html>"


def test_a_new_build_is_read_again(build: Path) -> None:
    files, page = DashboardFiles(build), build / "index.html"
    first = files.find("")
    page.write_text("<!doctype html><p>new")
    os.utime(page, ns=(1, 1))
    second = files.find("")
    assert first is not None
    assert second is not None
    assert first.etag != second.etag
    assert second.body.endswith(b"new")


def test_a_directory_without_a_build(tmp_path: Path) -> None:
    files = DashboardFiles(tmp_path)
    assert not files.is_built
    assert files.find("") is None


def test_the_build_that_is_committed_loads_nothing_from_elsewhere() -> None:
    assert DashboardFiles().is_built
    page = (DASHBOARD_DIRECTORY / "index.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert "<script>" not in page
