"""The section auth of faust.yml: how people log in."""

from typing import Annotated

from msgspec import Meta

from app.settings_types import NonEmptyStr, NonNegativeInt, PositiveInt, Section

TokenSeconds = Annotated[int, Meta(ge=60, le=3600)]
LinkSeconds = Annotated[int, Meta(ge=60, le=86_400)]
PasswordLength = Annotated[int, Meta(ge=8, le=128)]


class OidcSection(Section, frozen=True):
    issuer: str
    name: str
    client_id: str
    client_secret: str
    scopes: NonEmptyStr
    role_claim: str
    roles: str
    default_role: str


class AuthSection(Section, frozen=True):
    signing_keys_file: str
    secret: str
    public_url: str
    issuer: NonEmptyStr
    audience: NonEmptyStr
    access_token_lifetime: TokenSeconds
    session_lifetime: PositiveInt
    idle_timeout: PositiveInt
    link_lifetime: LinkSeconds
    password_min_length: PasswordLength
    max_waiting_logins: NonNegativeInt
    oidc: OidcSection
