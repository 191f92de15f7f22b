"""Which role a person gets from an OpenID provider."""

import pytest

from app.auth.oidc_settings import parse_role_mapping
from schemas.permissions import Role


def test_the_role_with_the_most_permissions_counts() -> None:
    mapping = parse_role_mapping("groups", "herold-admins=admin, support=operator, all=viewer", "")
    assert mapping.find_role({"groups": ["all", "support"]}) is Role.OPERATOR
    assert mapping.find_role({"groups": "herold-admins"}) is Role.ADMIN
    assert mapping.decides


@pytest.mark.parametrize(
    "claims", [{}, {"groups": []}, {"groups": ["others"]}, {"groups": None}, {"groups": [["support"]]}, {"roles": ["support"]}]
)
def test_others_get_the_default_role_or_none(claims: dict[str, object]) -> None:
    assert parse_role_mapping("groups", "support=operator", "").find_role(claims) is None
    assert parse_role_mapping("groups", "support=operator", "viewer").find_role(claims) is Role.VIEWER


def test_without_a_claim_the_provider_does_not_decide() -> None:
    mapping = parse_role_mapping("", "", "developer")
    assert mapping.find_role({"groups": ["admin"]}) is Role.DEVELOPER
    assert not mapping.decides


@pytest.mark.parametrize(("roles", "default"), [("support", ""), ("=admin", ""), ("support=root", ""), ("", "root")])
def test_a_setting_that_names_no_role_is_an_error(roles: str, default: str) -> None:
    with pytest.raises(ValueError):
        parse_role_mapping("groups", roles, default)
