"""From where a request comes, as the entries of the logs note it."""

from hashlib import sha256
from typing import Any

import pytest

from app.api.principal import build_bootstrap_principal
from app.api.request_origin import OriginOfRequest, read_request_origin
from schemas.request_origin import NO_REQUEST, RequestOrigin, get_request_origin

SCOPE: dict[str, Any] = {"type": "http", "headers": [(b"user-agent", b"curl/8")], "client": ("192.0.2.7", 1234)}


def test_outside_of_requests_there_is_none() -> None:
    assert get_request_origin() == NO_REQUEST


async def test_within_a_request_it_is_that_of_the_request() -> None:
    found: list[RequestOrigin] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["principal"] = build_bootstrap_principal()  # as the middleware does, at whatever time
        found.append(get_request_origin())

    await OriginOfRequest(app)({**SCOPE, "request_id": b"r-1"}, None, None)
    assert found == [RequestOrigin("key:bootstrap", "192.0.2.7", sha256(b"curl/8").hexdigest()[:16], "r-1")]


@pytest.mark.parametrize("changes", [{"client": None}, {"headers": []}])
def test_what_is_not_known_is_empty(changes: dict[str, Any]) -> None:
    origin = read_request_origin({**SCOPE, **changes})
    assert "" in (origin.client_address, origin.user_agent_hash)
