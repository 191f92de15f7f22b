"""API keys of a gateway under test."""

from typing import Any

import httpx

PATH = "/v1/api-keys"


async def create_key(client: httpx.AsyncClient, role: str = "service", **fields: Any) -> dict[str, Any]:
    """Create a key; by default a live one named shop that may do what its role may."""
    response = await client.post(PATH, json={"name": "shop", "role": role, **fields})
    assert response.status_code == 201, response.text
    return dict(response.json())


def build_headers(key: dict[str, Any]) -> dict[str, str]:
    """The header of a request with this key."""
    return {"x-api-key": key["key"]}
