"""Where a browser may go after a login; the login itself is tested with a real provider (tests/integration/auth)."""

import pytest

from app.auth.oidc import is_own_path

ATTACKER = "attacker.example"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/dashboard/notifications?user_id=u-42&reason=rate_limited", "/dashboard/templates/a%2Fb", "/" + "a" * 511]
)
def test_a_page_of_ours_is_where_the_browser_comes_back_to(path: str) -> None:
    assert is_own_path(path)


@pytest.mark.parametrize(
    "text",
    [
        f"https://{ATTACKER}",
        f"//{ATTACKER}",
        f"///{ATTACKER}",
        f"/\\{ATTACKER}",
        f"/dashboard\\..\\{ATTACKER}",
        f"/\t/{ATTACKER}",
        "/a b",
        "/é",
        "docs",
        "",
        "/" + "a" * 512,
    ],
)
def test_what_may_lead_elsewhere_is_none(text: str) -> None:
    assert not is_own_path(text)
