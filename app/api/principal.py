"""Who makes a request: an account of a person, or an API key. The middleware finds it out once, from the request's credential."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, cast

from msgspec import Struct

from schemas.permissions import ROLE_PERMISSIONS, Permission, Role

PRINCIPAL: Final = "principal"  # its key in the ASGI scope

Scheme = Literal["bearer", "api-key"]


class Principal(Struct, frozen=True):
    """Who makes a request and what it may do. `project` is empty for the default project; `id` is unique within the kind.

    `session_id` is empty for a key.
    """

    kind: Literal["account", "key"]
    id: str
    name: str
    role: Role
    permissions: frozenset[Permission]
    project: str = ""
    is_test: bool = False
    session_id: str = ""

    @property
    def actor(self) -> str:
        """It in the audit log and in log lines: `key:bootstrap`."""
        return f"{self.kind}:{self.id}"


class Credential(NamedTuple):
    """What a request authenticates with, and the header that it came in."""

    scheme: Scheme
    value: bytes


Authenticator = Callable[[Scheme, bytes], Awaitable[Principal | None]]
"""Returns who has a credential; None if it is not one of its kind or is not valid (any more). Raises UnavailableError if it cannot know.

A comparison with a secret takes the same time wherever they differ.
"""


class Holder(Struct, frozen=True):
    """A principal with the SHA-256 of its credential, by which it is known later without it."""

    principal: Principal
    digest: bytes


Reauthenticator = Callable[[Holder], Awaitable[Principal | None]]
"""Returns what a principal is now; None if it is not one of its kind or is not valid any more. Raises UnavailableError if it cannot know.

An access token that has expired since is no cause: its session counts.
"""


def build_holder(principal: Principal, credential: Credential) -> Holder:
    """Who holds a credential, without what only its own kind of principal has."""
    fields = {name: getattr(principal, name) for name in Principal.__struct_fields__}
    return Holder(Principal(**fields), sha256(credential.value).digest())


async def reauthenticate(reauthenticators: Sequence[Reauthenticator], holder: Holder) -> Principal | None:
    """What a principal is now; None if it is not valid any more. Raises UnavailableError."""
    for reauthenticator in reauthenticators:
        if principal := await reauthenticator(holder):
            return principal
    return None


async def authenticate(authenticators: Sequence[Authenticator], credential: Credential) -> Principal | None:
    """Who has this credential, by the first authenticator that knows. Raises UnavailableError."""
    for authenticator in authenticators:
        if principal := await authenticator(*credential):
            return principal
    return None


def find_credential(headers: Sequence[tuple[bytes, bytes]]) -> Credential | None:
    """The first credential among the headers of an ASGI scope: X-API-Key, or Authorization with the scheme Bearer."""
    for name, value in headers:
        if name == b"x-api-key":
            return Credential("api-key", value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return Credential("bearer", value[7:].strip())
    return None


def build_bootstrap_principal() -> Principal:
    """Who sends `gateway.api_key`: an admin, of whom a new installation makes the first keys and accounts."""
    return Principal("key", "bootstrap", "gateway.api_key", Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN])


def get_principal(request: Any) -> Principal:
    """Who makes a request to a route that is not public; `request` is the framework's."""
    return cast(Principal, request.scope[PRINCIPAL])
