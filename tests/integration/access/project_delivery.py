"""What projects have of delivery, under the same names in each, and the routes at which a stranger is tried (test_projects.py)."""

from typing import Any, NamedTuple

import httpx
import msgspec

from schemas.ids import DELIVERY_PREFIX, make_id
from tables.postgres.database import Database
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification, store_dead_letters
from tests.delivery_builders import NOW, build_delivery

LATER = 4_000_000_000.0
PING = make_id(DELIVERY_PREFIX, NOW, 1)
ENDPOINTS = "/v1/webhook-endpoints"
ENDPOINT_URL = "https://hooks.example.org/orders"
STATUS_URL = "https://hooks.example.org/statuses"

DELIVERY_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v1/dead-letters/{dead_letter}", None),
    ("GET", "/v1/dead-letters/{dead_letter}?exact=true", None),
    ("POST", "/v1/dead-letters/{dead_letter}/discard", {"reason": "x"}),
    ("POST", "/v1/dead-letters/{dead_letter}/redrive", None),
    ("POST", "/v1/dead-letters/{notification}/redrive", {"user_id": "u-1", "type": "greeting", "data": {"name": "Ada"}}),
    ("GET", "/v1/redrives/{redrive}", None),
    ("POST", "/v1/redrives/{redrive}/pause", {}),
    ("POST", "/v1/redrives/{redrive}/resume", {}),
    ("POST", "/v1/redrives/{redrive}/cancel", {}),
    ("GET", "/v1/suppressions/{suppression}", None),
    ("DELETE", "/v1/suppressions/{suppression}", None),
    *(
        (method, f"/v1/webhook-endpoints/{{{endpoint}}}{path}", body)
        for endpoint in ("endpoint", "status_endpoint")
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"types": []}),
            ("DELETE", "", None),
            ("POST", "/enable", {}),
            ("POST", "/disable", {}),
            ("POST", "/rotate-secret", {}),
            ("POST", "/ping", {}),
            ("GET", f"/pings/{PING}", None),
            ("GET", "/statistics", None),
            ("GET", "/attempts", None),
        )
    ),
]
"""Those with an object of delivery, each of which is 404 for a stranger."""

DELIVERY_OWN: list[tuple[str, str, Any]] = [("GET", "/v1/users/u-1/export", None), ("GET", "/v1/users/u-1/consent-proof", None)]
"""Those that answer about the stranger's own user of this name."""


class DeliveryObjects(NamedTuple):
    """The ids of what a project has."""

    dead_letter: str
    notification: str
    redrive: str
    suppression: str
    endpoint: str
    status_endpoint: str

    def fill(self, path: str) -> str:
        """The path with these ids."""
        return path.format(**self._asdict())


async def store_two(database: Database, user_id: str, number: int) -> list[str]:
    """Two dead letters of a user: a delivery and a notification. `number` tells them from those of others."""
    delivery = msgspec.structs.replace(build_delivery(number=number, expires_at=LATER), user_id=user_id)
    rejected = build_rejected_notification(b"\xff", user_id=user_id, notification_id=delivery.notification_id)
    return await store_dead_letters(database, build_failed_delivery(delivery), rejected, first_offset=10 * number)


async def create_delivery_objects(
    client: httpx.AsyncClient, database: Database, headers: dict[str, str], user_id: str, number: int
) -> DeliveryObjects:
    """What a project can have, with its user u-1, whose stored id is `user_id`; the redrive is paused."""
    dead_letter, notification = await store_two(database, user_id, number)
    redrive = await create(client, headers, "/v1/redrives", {"ids": [dead_letter], "reason": "x"})
    assert (await client.post(f"/v1/redrives/{redrive}/pause", headers=headers)).status_code == 200
    suppression = await create(client, headers, "/v1/suppressions", {"channel": "sms", "user_id": "u-1", "reason": "manual"})
    endpoint = await create(client, headers, ENDPOINTS, {"url": ENDPOINT_URL, "user_id": "u-1", "types": ["order.*"]})
    status_endpoint = await create(client, headers, ENDPOINTS, {"url": STATUS_URL, "kind": "status", "types": ["order.*", "greeting"]})
    return DeliveryObjects(dead_letter, notification, redrive, suppression, endpoint, status_endpoint)


async def create(client: httpx.AsyncClient, headers: dict[str, str], path: str, body: Any) -> str:
    """Create an object; returns its id."""
    created = await client.post(path, json=body, headers=headers)
    assert created.status_code == 201, created.text
    return str(created.json()["id"])
