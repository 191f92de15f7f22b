"""Accounts of people who use Herold: who they are, their sessions, passkeys and one-time links. Users are recipients, and no accounts."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.permissions import Role

ACCOUNT_PREFIX = "acc_"
SESSION_PREFIX = "ses_"
PASSKEY_PREFIX = "pky_"

MAX_PASSWORD_CHARACTERS = 256
MAX_PROJECTS = 50  # of an account

AccountState = Literal["active", "disabled"]
LoginMethod = Literal["password", "passkey", "oidc", "link"]
LinkPurpose = Literal["password_reset", "first_admin", "login"]
RevocationReason = Literal["logout", "logout_everywhere", "reuse", "password_changed", "disabled", "operator"]

Email = Annotated[str, Meta(min_length=3, max_length=254)]
PersonName = Annotated[str, Meta(max_length=128)]
ProjectList = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(max_length=MAX_PROJECTS, description="what the account belongs to; empty: the default project"),
]


class Account(Struct, frozen=True):
    """A person who may log in; times in epoch seconds. `version` is the ETag; `token_version` rises when all tokens are revoked."""

    id: str
    email: str
    name: str
    role: Role
    projects: list[str]
    state: AccountState
    token_version: int
    has_password: bool
    has_totp: bool
    passkeys: int
    last_login_at: float | None
    version: int
    created_at: float
    updated_at: float


class AccountRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new account. Its person gets an e-mail with a link to choose a password, unless `notify` is false."""

    email: Email
    role: Role
    name: PersonName = ""
    projects: ProjectList = []
    notify: bool = True


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is changed of an account; what is left out stays as it is. A disabled account cannot log in, and its tokens end."""

    email: Email | UnsetType = UNSET
    name: PersonName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    projects: ProjectList | UnsetType = UNSET
    state: AccountState | UnsetType = UNSET


class StoredCredentials(Struct, frozen=True):
    """What an account logs in with. `totp_secret` is sealed, and counts once it is confirmed; `totp_last_step` is the last one used."""

    account: Account
    password_hash: str
    totp_secret: bytes
    totp_last_step: int


class Session(Struct, frozen=True):
    """A login on one device, from which its refresh tokens descend; times in epoch seconds."""

    id: str
    method: LoginMethod
    client: str
    created_at: float
    last_used_at: float
    expires_at: float


class SessionState(Struct, frozen=True):
    """What decides whether an access token of a session is valid, and what its bearer may do; times in epoch seconds."""

    account_id: str
    email: str
    name: str
    role: Role
    projects: list[str]
    token_version: int
    created_at: float


class Passkey(Struct, frozen=True):
    """A WebAuthn credential of an account; times in epoch seconds."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None


class StoredPasskey(Struct, frozen=True):
    """What a signature of a passkey is checked with."""

    id: str
    account_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
