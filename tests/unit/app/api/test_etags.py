import pytest

from app.api.etags import build_etag_headers, parse_if_match, require_if_match
from app.api.problems import ProblemError


def test_a_version_is_read_from_its_etag() -> None:
    assert require_if_match(build_etag_headers(17)["etag"]) == 17
    assert require_if_match(" * ") is None
    assert parse_if_match(None) is None


@pytest.mark.parametrize("header", ["17", 'W/"17"', '"x"', '"17", "18"', "", '"' + "9" * 19 + '"'])
def test_another_etag_matches_no_version(header: str) -> None:
    with pytest.raises(ProblemError) as raised:
        parse_if_match(header)
    assert raised.value.problem.status == 412


def test_a_change_without_if_match_is_428() -> None:
    with pytest.raises(ProblemError) as raised:
        require_if_match(None)
    assert raised.value.problem.status == 428
