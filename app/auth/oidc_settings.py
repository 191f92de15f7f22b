"""The OpenID provider of an installation, by the section auth.oidc of faust.yml."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.permissions import Role


class RoleMapping(NamedTuple):
    """Which role the values of a claim give; `default` for others, None: they may not log in unless they have an account."""

    claim: str
    roles: Mapping[str, Role]
    default: Role | None

    def find_role(self, claims: Mapping[str, Any]) -> Role | None:
        """The role with the most permissions that the claims give, else the default one."""
        found = {self.roles[value] for value in _list_texts(claims.get(self.claim)) if value in self.roles} if self.claim else set()
        return next((role for role in Role if role in found), self.default)  # Role is in the order of permissions

    @property
    def decides(self) -> bool:
        """Whether the provider says at each login which role a person has."""
        return bool(self.claim and self.roles)


class OidcSettings(NamedTuple):
    """A provider: its issuer, what people call it, our client there, what is asked for, and which role people get."""

    issuer: str
    name: str
    client_id: str
    client_secret: str
    scopes: str
    mapping: RoleMapping


def parse_role_mapping(claim: str, roles: str, default: str) -> RoleMapping:
    """The mapping of settings such as `herold-admins=admin, support=operator`. Raises ValueError."""
    pairs = [part.strip().rpartition("=") for part in roles.split(",") if part.strip()]
    if any(not value for value, _, _ in pairs):
        raise ValueError("must be value=role, separated by commas, such as herold-admins=admin, support=operator")
    return RoleMapping(claim, {value.strip(): _parse_role(role) for value, _, role in pairs}, _parse_role(default) if default else None)


def _parse_role(text: str) -> Role:
    try:
        return Role(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:32]!r} is no role: use one of {', '.join(Role)}") from None


def _list_texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
