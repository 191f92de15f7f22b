import asyncio

import pytest

from app.api.bootstrap_key import build_bootstrap_authenticator
from app.api.principal import Credential, Principal, Scheme, authenticate, find_credential
from schemas.permissions import ROLE_PERMISSIONS, Role

SERVICE = Principal("key", "ab12cd34", "shop", Role.SERVICE, ROLE_PERMISSIONS[Role.SERVICE])


async def accept_shop(scheme: Scheme, credential: bytes) -> Principal | None:
    return SERVICE if credential == b"shop" else None


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ([], None),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"bearer  abc ")], Credential("bearer", b"abc")),
        ([(b"x-api-key", b"k"), (b"authorization", b"Bearer abc")], Credential("api-key", b"k")),
        ([(b"host", b"h"), (b"authorization", b"Bearer abc"), (b"x-api-key", b"k")], Credential("bearer", b"abc")),
    ],
)
def test_the_first_credential_among_the_headers_counts(headers: list[tuple[bytes, bytes]], credential: Credential | None) -> None:
    assert find_credential(headers) == credential


@pytest.mark.parametrize(("value", "actor"), [(b"secret", "key:bootstrap"), (b"shop", "key:ab12cd34"), (b"other", None)])
def test_the_first_authenticator_that_knows_a_credential_says_whose_it_is(value: bytes, actor: str | None) -> None:
    authenticators = [build_bootstrap_authenticator("secret"), accept_shop]
    principal = asyncio.run(authenticate(authenticators, Credential("bearer", value)))
    assert (principal.actor if principal else None) == actor


def test_an_empty_bootstrap_key_is_nobodys() -> None:
    assert asyncio.run(authenticate([build_bootstrap_authenticator("")], Credential("api-key", b""))) is None
