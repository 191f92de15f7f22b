"""Users for filters: every combination of a few values, with ids whose order of bytes differs from that of a language."""

from itertools import product
from typing import Any

import msgspec

from tables.postgres.database import Database

CREATED_AT = 1_700_000_000.0
TIERS = ["", "gold"]
LOCALES = ["", "de", "de-AT", "deu"]
ZONES = ["", "Europe/Vienna"]
CHANNELS = ["email", "sms", "push"]
ATTRIBUTES: list[dict[str, Any]] = [{}, {"plan": "pro", "age": 3}, {"plan": None, "tags": ["a", "b"]}]
ADDRESSES: list[dict[str, list[str]]] = [{}, {"email": ["a@example.org"], "push": ["token"]}, {"sms": ["+436641234567"], "email": []}]
INITIALS = "aBcÄ"

USERS: list[dict[str, Any]] = [
    {
        "id": f"{INITIALS[number % len(INITIALS)]}-{number}",
        "tier": tier,
        "locale": locale,
        "time_zone": zone,
        "attributes": ATTRIBUTES[number % len(ATTRIBUTES)],
        "addresses": ADDRESSES[number // 2 % len(ADDRESSES)],
        "created_at": CREATED_AT + number * 60.0,
    }
    for number, (tier, locale, zone) in enumerate(product(TIERS, LOCALES, ZONES))
]
INSERT = """
    insert into users (id, tier, locale, time_zone, attributes, addresses, created_at)
    values ($1, $2, $3, $4, $5, $6, to_timestamp($7))
"""


async def insert_users(database: Database) -> None:
    """Replace all users by these; tokens are rows of devices."""
    async with database.acquire_connection() as connection:
        await connection.execute("delete from users")
        for user in USERS:
            stored = {channel: found for channel, found in user["addresses"].items() if channel != "push"}
            values = (msgspec.json.encode(value).decode() for value in (user["attributes"], stored))
            await connection.execute(INSERT, user["id"], user["tier"], user["locale"], user["time_zone"], *values, user["created_at"])
            for token in user["addresses"].get("push", []):
                await connection.execute("insert into devices (user_id, token) values ($1, $2)", user["id"], token)
