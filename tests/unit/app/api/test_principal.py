import asyncio

import pytest

from app.api.bootstrap_key import build_bootstrap_authenticator, build_bootstrap_reauthenticator
from app.api.principal import (
    Credential,
    Principal,
    Scheme,
    authenticate,
    build_bootstrap_principal,
    build_holder,
    find_credential,
    reauthenticate,
)
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


@pytest.mark.parametrize(("sent", "setting", "is_valid"), [(b"secret", "secret", True), (b"secret", "another", False), (b"", "", False)])
def test_the_bootstrap_key_is_asked_for_again_by_its_digest(sent: bytes, setting: str, is_valid: bool) -> None:
    holder = build_holder(build_bootstrap_principal(), Credential("api-key", sent))
    found = asyncio.run(reauthenticate([build_bootstrap_reauthenticator(setting)], holder))
    assert (found is not None) is is_valid
