import pytest

from schemas.categories import resolve_consent, resolve_quiet_hours


@pytest.mark.parametrize(
    ("category", "consent", "quiet_hours"),
    [
        ("security", "none", "ignore"),
        ("transactional", "none", "ignore"),
        ("marketing", "opt_out", "hold"),
        ("anything", "opt_out", "hold"),
    ],
)
def test_the_category_decides_what_a_rule_leaves_open(category: str, consent: str, quiet_hours: str) -> None:
    assert (resolve_consent(category), resolve_quiet_hours(category)) == (consent, quiet_hours)


def test_a_rule_that_decides_wins_over_its_category() -> None:
    assert (resolve_consent("security", "opt_in"), resolve_quiet_hours("marketing", "ignore")) == ("opt_in", "ignore")
