"""Creates and changes API keys: makes their texts, and lets nobody grant more than they have."""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET

from app.api.access import build_forbidden_problem, check_permission
from app.api.principal import Principal
from app.api.problems import ProblemError
from schemas.api_keys import (
    SECRET_BYTES,
    ApiKey,
    ApiKeyChange,
    ApiKeyRequest,
    CreatedApiKey,
    build_key_id,
    build_key_text,
    compute_digest,
)
from schemas.permissions import Permission, Role, select_permissions
from schemas.users import ChangeOrigin
from tables.postgres.api_keys import ApiKeyStore

ID_BYTES = 5


class ApiKeyService:
    """The keys of the principal's project. `read_random` returns so many random bytes."""

    def __init__(self, store: ApiKeyStore, read_random: Callable[[int], bytes]) -> None:
        self.store, self._read_random = store, read_random

    async def create(self, principal: Principal, request: ApiKeyRequest, origin: ChangeOrigin) -> CreatedApiKey:
        """A new key with its text. Raises ProblemError if it could do what the principal cannot."""
        check_grant(principal, request.role, request.scopes, is_test=request.is_test)
        key_id = build_key_id(self._read_random(ID_BYTES))
        text = build_key_text(key_id, self._read_random(SECRET_BYTES), is_test=request.is_test)
        created = await self.store.create(principal.project, key_id, compute_digest(text.encode()), request, origin)
        return _add_text(created, text)

    async def change(self, principal: Principal, key_id: str, change: ApiKeyChange, version: int | None, origin: ChangeOrigin) -> ApiKey:
        """The changed key. Raises ProblemError if the principal cannot do what it may do, before or after."""
        before = await self._get_own(principal, key_id)
        if change.scopes is not UNSET:
            check_grant(principal, before.role, change.scopes, is_test=before.is_test)
        return await self.store.change(principal.project, key_id, change, version, origin)

    async def rotate(self, principal: Principal, key_id: str, overlap: int, origin: ChangeOrigin) -> CreatedApiKey:
        """The key with its new text. Raises ProblemError as `change` does: whoever rotates a key can use it."""
        before = await self._get_own(principal, key_id)
        text = build_key_text(key_id, self._read_random(SECRET_BYTES), is_test=before.is_test)
        return _add_text(await self.store.rotate(principal.project, key_id, compute_digest(text.encode()), overlap, origin), text)

    async def _get_own(self, principal: Principal, key_id: str) -> ApiKey:
        """A key that may do no more than the principal."""
        key = await self.store.get(principal.project, key_id)
        check_grant(principal, key.role, key.scopes, is_test=key.is_test)
        return key


def check_grant(principal: Principal, role: Role, scopes: Iterable[str], *, is_test: bool) -> None:
    """Raise ProblemError if a key like this could do what the principal cannot."""
    check_permission(principal, Permission.API_KEYS_WRITE)  # which no test key has, so that none makes a live key
    granted = select_permissions(role, scopes, is_test=is_test)
    for permission in sorted(granted - principal.permissions):
        raise ProblemError(build_forbidden_problem(principal, permission))


def _add_text(key: ApiKey, text: str) -> CreatedApiKey:
    return CreatedApiKey(**msgspec.structs.asdict(key), key=text)
