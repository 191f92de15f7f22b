"""What the router and the webhook worker read of endpoints on a real PostgreSQL."""

from itertools import count

import httpx
import pytest

from schemas.ids import make_id
from schemas.profile import EndpointRef
from schemas.users import ChangeOrigin, SuppressionRequest
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.signing_endpoints import PostgresSigningEndpoints
from tables.postgres.suppressions import SuppressionStore
from tests.event_builders import NOW
from tests.integration.webhooks.endpoints import PATH, create, insert_user

OWN = "https://own.example.org/"


@pytest.fixture(autouse=True)
async def user(database_copy: Database) -> None:
    await database_copy.fetch("insert into users (id, addresses) values ('u-1', $1)", f'{{"webhook": ["{OWN}"]}}')


async def test_the_profile_has_the_endpoints_after_the_addresses_and_each_change_is_a_new_version(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    reader = PostgresProfileReader(database_copy)
    before = (await reader.get_many(["u-1"]))["u-1"]
    assert (before.addresses, before.endpoints) == ({"webhook": [OWN]}, [])
    first = await create(client, types=["order.*", "invoice.paid"])
    second = await create(client, url=OWN, ordered=True)
    await client.post(f"{PATH}/{second['id']}/disable")
    profile = (await reader.get_changed({"u-1": before.version}))["u-1"]
    assert profile.endpoints == [
        EndpointRef(first["id"], first["url"], ["order.*", "invoice.paid"]),
        EndpointRef(second["id"], OWN, [], False, True),
    ]
    assert profile.addresses == {"webhook": [OWN, first["url"]]}
    assert await reader.get_changed({"u-1": profile.version}) == {}


async def test_a_suppressed_url_concerns_the_user_with_an_endpoint_at_it(client: httpx.AsyncClient, database_copy: Database) -> None:
    created, reader = await create(client), PostgresProfileReader(database_copy)
    version = (await reader.get_many(["u-1"]))["u-1"].version
    body = {"channel": "webhook", "address": created["url"]}
    assert (await client.post("/v1/suppressions", json=body)).status_code == 201
    profile = (await reader.get_changed({"u-1": version}))["u-1"]
    assert [one.address for one in profile.suppressions] == [created["url"]]


async def test_whom_a_suppressed_address_concerns_is_evicted_from_the_cache(client: httpx.AsyncClient, database_copy: Database) -> None:
    ids = count()
    created, store = await create(client), SuppressionStore(database_copy, lambda prefix: make_id(prefix, NOW, next(ids)))
    await database_copy.fetch("insert into devices (user_id, token, kind) values ('u-1', 'installation-1', 'fid')")
    for channel, address in (("webhook", created["url"]), ("push", "fid:installation-1")):
        request = SuppressionRequest(channel=channel, address=address)  # type: ignore[arg-type]  # of the loop
        written = await store.create(request, ChangeOrigin("api", "operator"))
        assert (written.is_changed, written.user_ids) == (True, ["u-1"])


async def test_the_worker_reads_state_and_secrets_of_those_that_exist(client: httpx.AsyncClient, database_copy: Database) -> None:
    created, store = await create(client), PostgresSigningEndpoints(database_copy)
    missing = "whe_0199c82cc00070008000000000000001"
    before = (await store.get_many([created["id"], missing, "nothing"]))[created["id"]]
    assert (before.is_enabled, before.previous_secret, before.previous_expires_at) == (True, b"", 0.0)
    await client.post(f"{PATH}/{created['id']}/rotate-secret")
    await client.post(f"{PATH}/{created['id']}/disable")
    found = await store.get_many([created["id"], missing, "nothing"])
    assert list(found) == [created["id"]]
    after = found[created["id"]]
    assert (after.is_enabled, after.previous_secret) == (False, before.secret)
    assert after.previous_expires_at > 0
    assert after.version > before.version


async def test_an_audience_of_the_channel_has_the_users_with_an_enabled_endpoint(
    client: httpx.AsyncClient, database_copy: Database
) -> None:
    await insert_user(database_copy, "u-2")
    await insert_user(database_copy, "u-3")
    endpoints = [await create(client, user_id=user_id) for user_id in ("u-2", "u-3")]
    await client.post(f"{PATH}/{endpoints[1]['id']}/disable")
    response = await client.post("/v1/audiences/preview", json={"has_channel": ["webhook"]})
    assert {"u-1", "u-2"} <= set(response.json()["first_users"])
    assert "u-3" not in response.json()["first_users"]
