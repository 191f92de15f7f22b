"""The bodies of requests and responses of /v1/auth and /v1/accounts; times in epoch seconds. No response has a password or its hash."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.accounts import (
    MAX_PASSWORD_CHARACTERS,
    Account,
    AccountChange,
    AccountRequest,
    AccountState,
    Email,
    LoginMethod,
    Passkey,
    PersonName,
    Session,
)
from schemas.permissions import Role

Feature = Literal["projects", "simulators"]
Password = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]
Code = Annotated[str, Meta(max_length=32, description="of the authenticator app, or a recovery code")]
LinkToken = Annotated[str, Meta(min_length=1, max_length=128, description="the last part of the link")]
RefreshToken = Annotated[str, Meta(max_length=128)]
Project = Annotated[str, Meta(max_length=64, description="what the access token is for; null: the first project of the account")]
Credential = Annotated[dict[str, Any], Meta(description="what the browser's WebAuthn API returned, as its toJSON() writes it")]
CookieMode = Annotated[
    bool, Meta(description="put the refresh token into a cookie that scripts cannot read; needs the header Herold-CSRF: 1")
]


class LoginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A login by password; `code` if the account has an authenticator app."""

    email: Email
    password: Password
    code: Code = ""
    project: Project | None = None
    cookie: CookieMode = False


class RefreshBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token in the body; without one, that in the cookie."""

    refresh_token: RefreshToken = ""
    project: Project | None = None


class LogoutBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token in the body; without one, that in the cookie."""

    refresh_token: RefreshToken = ""


class TokenResponse(Struct, frozen=True, omit_defaults=True):
    """Tokens (RFC 6749, 5.1); without `refresh_token` it is in the cookie. `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str = ""
    session_id: str = ""


class PersonResponse(Struct, frozen=True):
    """Who is logged in, what the role allows, and in which project and session.

    `features`: what this installation has that others have not: `simulators` on a local stack, `projects` beside the default one.
    """

    account: Account
    permissions: list[str]
    project: str
    session_id: str
    features: list[Feature]


class PersonChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What people change of their own account."""

    name: PersonName


class PasswordChangeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, with the one before."""

    password: Password
    new_password: Password


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The password, which a change of how one logs in needs if the login is longer ago than ten minutes."""

    password: Annotated[str, Meta(max_length=MAX_PASSWORD_CHARACTERS)] = ""


class AccountActionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is done with an account, for the audit log."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


class EmptyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A request that says nothing more."""


class PasswordResetBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: Email


class LinkPasswordBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by a link of an e-mail."""

    token: LinkToken
    password: Password


class FirstAdminBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The first account, by the link that the gateway has printed."""

    token: LinkToken
    email: Email
    password: Password
    name: PersonName = ""


class AcceptedResponse(Struct, frozen=True):
    """It is being done; whether there is anything to do is not said."""

    status: Literal["accepted"] = "accepted"


class TotpSecretResponse(Struct, frozen=True):
    """What an authenticator app needs; it counts once a code of it was confirmed."""

    secret: str
    uri: str


class TotpCodeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the new authenticator app."""

    code: Code


class RecoveryCodesResponse(Struct, frozen=True):
    """Codes for who loses the authenticator app, each for one login; they are shown only now."""

    recovery_codes: list[str]


class PasskeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new passkey, with a name for the list."""

    credential: Credential
    name: PersonName = ""


class PasskeyLoginBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of a passkey."""

    credential: Credential
    project: Project | None = None
    cookie: CookieMode = False


class PasskeyList(Struct, frozen=True):
    """The passkeys of an account."""

    items: list[Passkey]


class SessionResponse(Struct, frozen=True):
    """A session; `is_current` is that of this request."""

    id: str
    method: LoginMethod
    client: str
    is_current: bool
    created_at: float
    last_used_at: float
    expires_at: float


class SessionPage(Struct, frozen=True):
    """A page of sessions, newest first."""

    items: list[SessionResponse]
    next_cursor: str | None = None


class AccountPage(Struct, frozen=True):
    """A page of accounts, in the order of their creation."""

    items: list[Account]
    next_cursor: str | None = None


class LoginProvider(Struct, frozen=True):
    """An OpenID provider, by the name that people know."""

    name: str


class LoginMethodsResponse(Struct, frozen=True):
    """How people can log in here; no way at all where `auth` is not set. A login at `oidc` begins at /v1/auth/oidc/start."""

    password: bool
    passkey: bool
    oidc: LoginProvider | None


class JwkSet(Struct, frozen=True):
    """The public keys of access tokens (RFC 7517)."""

    keys: list[dict[str, str]]


def build_session(session: Session, current: str) -> SessionResponse:
    """A session for a list."""
    times = session.created_at, session.last_used_at, session.expires_at
    return SessionResponse(session.id, session.method, session.client, session.id == current, *times)


AUTH_BODIES = (
    LoginBody,
    RefreshBody,
    LogoutBody,
    PersonChange,
    PasswordChangeBody,
    ConfirmationBody,
    AccountActionBody,
    EmptyBody,
    PasswordResetBody,
    LinkPasswordBody,
    FirstAdminBody,
    TotpCodeBody,
    PasskeyBody,
    PasskeyLoginBody,
    AccountRequest,
    AccountChange,
)
AT = 1_795_851_813.0  # 2026-11-28 07:43:33 UTC
ACTIVE: AccountState = "active"
EXAMPLE_ACCOUNT = Account(
    id="acc_01a2211d759678619811269291aeed15",
    email="ada@example.org",
    name="Ada Lovelace",
    role=Role.OPERATOR,
    projects=[],
    state=ACTIVE,
    token_version=0,
    has_password=True,
    has_totp=True,
    passkeys=1,
    last_login_at=AT,
    version=17,
    created_at=AT,
    updated_at=AT,
)
AUTH_EXAMPLES = (
    AccountPage([EXAMPLE_ACCOUNT]),
    SessionPage([SessionResponse("ses_01a2211d759678619811269291aeed15", "password", "herold-cli", True, AT, AT, AT + 2_592_000)]),
    PasskeyList([Passkey("pky_01a2211d759678619811269291aeed15", "laptop", AT, AT)]),
    LoginMethodsResponse(password=True, passkey=True, oidc=LoginProvider("id.example.org")),
)
