"""A port is claimed once, for a while, by whichever process comes first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.stack.port_claims import CLAIM_SECONDS, claim_port

NOW = 1_000_000.0


def test_a_claimed_port_is_not_claimed_again_until_the_claim_has_ended(tmp_path: Path) -> None:
    results = [claim_port(20_001, tmp_path, NOW + after) for after in (0.0, 1.0, CLAIM_SECONDS - 1, CLAIM_SECONDS)]
    assert results == [True, False, False, True]
    assert claim_port(20_002, tmp_path, NOW)


def test_a_claim_from_a_future_that_a_clock_has_left_does_not_count(tmp_path: Path) -> None:
    assert claim_port(20_001, tmp_path, NOW + 3600)
    assert claim_port(20_001, tmp_path, NOW)


def test_one_of_many_at_the_same_time_claims_the_port(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda port: claim_port(port, tmp_path, NOW), [20_001, 20_002] * 20))
    assert results.count(True) == 2


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_damaged_claims_count_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "claims.json").write_text(content)
    assert claim_port(20_001, tmp_path, NOW)
    assert not claim_port(20_001, tmp_path, NOW)


def test_without_a_directory_every_port_can_be_claimed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert claim_port(20_001, tmp_path / "file", NOW)
    assert claim_port(20_001, tmp_path / "file", NOW)
