"""The scenario `lists`: how long the lists of the API take over millions of deliveries, and what CPU a request costs.

PostgreSQL is filled by SQL (lists_fill.sql) with thirty days of notifications and one broadcast. Each list is asked for by one client, each
time for another user, time or place in the list. Two gateways answer, one after the other: without projects, and with them, which row level
security separates then. The second one is also asked by a project that has a ten-thousandth of all.
"""

import asyncio
import http.client
import json
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import asyncpg

from app.api.paging import name_list
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, make_id, to_uuid_hex
from tables.postgres.query_loader import load_queries
from tests.bench.cpu_meter import CpuMeter
from tests.bench.percentiles import compute_percentiles
from tests.cluster import HeroldCluster

COUNT = 10_000_000  # deliveries, with one notification for 1.01 of them
DAYS = 30
DAY_MS = 86_400_000
DELIVERIES_PER_NOTIFICATION = 1.012  # 92 % are routed, a tenth of these to two channels
REQUESTS = 200  # for each list
WARM_UP = 5  # requests before, which do not count
HOUR = 3600.0
TABLES = ("notifications", "deliveries")
CREATE_PARTITIONS = "select create_partition($1, date '1970-01-01' + $2::int + number) from generate_series(0, $3::int - 1) as number"
COUNT_ROWS = "select sum(reltuples)::bigint from pg_class where relname ~ '^{}_[0-9]+$'"
_SQL = load_queries("lists_fill", Path(__file__).parent)


class Place(NamedTuple):
    """A delivery somewhere in the list: what a request is about."""

    delivery_id: str
    notification_id: str
    user_id: str
    at: float


Query = Callable[[Place], Mapping[str, object]]

DELIVERY_LISTS: Mapping[str, Query] = {
    "first page": lambda _: {},
    "first page of 200": lambda _: {"limit": 200},
    "deep": lambda _: {"cursor": ""},
    "oldest, deep": lambda _: {"order": "oldest", "cursor": ""},
    "user": lambda place: {"user_id": place.user_id},
    "user with 1 % of all": lambda _: {"user_id": "u-0"},
    "user with 1 % of all, deep": lambda _: {"user_id": "u-0", "cursor": ""},
    "status FAILED, deep": lambda _: {"status": "FAILED", "cursor": ""},
    "status UNSUBSCRIBED (1 %), deep": lambda _: {"status": "UNSUBSCRIBED", "cursor": ""},
    "reason (2 %), deep": lambda _: {"reason": "retries_exhausted", "cursor": ""},
    "channel and provider, deep": lambda _: {"channel": "email", "provider": "sendgrid", "cursor": ""},
    "channel and rare provider (1 %), deep": lambda _: {"channel": "email", "provider": "smtp", "cursor": ""},
    "provider that nothing has": lambda _: {"provider": "nobody"},
    "template, deep": lambda _: {"template": "template-7", "cursor": ""},
    "rare template, deep": lambda _: {"template": "template-39", "cursor": ""},
    "type, deep": lambda _: {"type": "shop.type-7", "cursor": ""},
    "type that nothing has": lambda _: {"type": "nothing"},
    "priority and category, deep": lambda _: {"priority": "high", "category": "security", "cursor": ""},
    "tests, deep": lambda _: {"is_test": "true", "cursor": ""},
    "an hour": lambda place: {"since": place.at - HOUR, "until": place.at},
    "an hour, status BOUNCED": lambda place: {"since": place.at - HOUR, "until": place.at, "status": "BOUNCED"},
}
NOTIFICATION_LISTS: Mapping[str, Query] = {
    "first page": lambda _: {},
    "first page of 200": lambda _: {"limit": 200},
    "deep": lambda _: {"cursor": ""},
    "user": lambda place: {"user_id": place.user_id},
    "user with 1 % of all": lambda _: {"user_id": "u-0"},
    "user with 1 % of all, deep": lambda _: {"user_id": "u-0", "cursor": ""},
    "state rejected, deep": lambda _: {"state": "rejected", "cursor": ""},
    "state dead (1 %), deep": lambda _: {"state": "dead", "cursor": ""},
    "reason, deep": lambda _: {"reason": "quiet_hours", "cursor": ""},
    "type and channel, deep": lambda _: {"type": "shop.type-7", "channel": "webhook", "cursor": ""},
    "type that nothing has": lambda _: {"type": "nothing"},
    "priority and category, deep": lambda _: {"priority": "high", "category": "security", "cursor": ""},
    "an hour": lambda place: {"since": place.at - HOUR, "until": place.at},
}
OF_PROJECTS = frozenset(["first page", "deep", "user", "user with 1 % of all, deep", "status FAILED, deep", "template, deep", "type, deep"])
"""The lists that are measured with projects, too."""

OF_SMALL_PROJECT = OF_PROJECTS - {"user", "user with 1 % of all, deep", "template, deep", "type, deep"} | {
    *("first page of 200", "oldest, deep", "reason (2 %), deep", "type that nothing has", "tests, deep", "an hour")
}
"""The lists that are measured with the key of a project that has next to nothing."""


async def measure_lists(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Fill the database with `count` deliveries, then measure each list with and without projects."""
    now = time.time()
    started_at = time.monotonic()
    await _fill(cluster, count, now)
    size = await cluster.fetch_value("select pg_database_size(current_database()) / 1048576")
    rows = {
        name: await cluster.fetch_value(f"select sum(reltuples)::bigint from pg_class where relname ~ '^{name}_[0-9]+$'") for name in TABLES
    }
    places, of_broadcast = await _find_places(cluster, now), await _find_broadcast(cluster)
    figures: dict[str, Any] = {"rows": rows, "mb": size, "fill_s": round(time.monotonic() - started_at)}
    for name, projects, names in (("without_projects", "false", None), ("with_projects", "true", OF_PROJECTS)):
        cluster.start_process("gateway", (sys.executable, "-m", "app.api"), HEROLD_GATEWAY_PROJECTS=projects)
        await cluster.wait_until_ready("gateway", "/readyz")
        key = cluster.state.get_secret("api_key")
        figures[name] = await asyncio.to_thread(_measure_all, cluster, key, places, of_broadcast, names)
        if names:
            key = await asyncio.to_thread(_create_project, cluster, key)
            figures["small_project"] = await asyncio.to_thread(_measure_all, cluster, key, places, of_broadcast, OF_SMALL_PROJECT)
        await cluster.stop_process("gateway")
    await cluster.execute(f"truncate {', '.join(TABLES)}")
    return {"lists": figures}


async def _fill(cluster: HeroldCluster, count: int, now: float) -> None:
    first_day = int(now * 1000) // DAY_MS - DAYS
    for table in TABLES:
        await cluster.execute(CREATE_PARTITIONS, table, first_day, DAYS)
    days = iter(range(DAYS))
    await asyncio.gather(*(_fill_days(cluster, days, round(count / DELIVERIES_PER_NOTIFICATION), now) for _ in range(2)))
    for table in TABLES:
        await cluster.execute(f"vacuum analyze {table}")  # as autovacuum does after so many rows


async def _fill_days(cluster: HeroldCluster, days: Iterator[int], notifications: int, now: float) -> None:
    """Fill the days that no other has filled."""
    connection = await asyncpg.connect(cluster.urls.database)
    await connection.execute("set synchronous_commit = off")
    first_ms = (int(now * 1000) // DAY_MS - DAYS) * DAY_MS
    try:
        for day in days:
            since_ms = first_ms + day * DAY_MS
            first, last = day * notifications // DAYS, (day + 1) * notifications // DAYS
            await connection.execute(_SQL["insert_notifications"], first, last, since_ms, notifications / 10)
            if day == DAYS - 3:
                await connection.execute(_SQL["insert_broadcast"], since_ms + DAY_MS // 2, notifications // 100)
            await connection.execute(_SQL["insert_deliveries"], _build_uuid(since_ms), _build_uuid(since_ms + DAY_MS))
    finally:
        await connection.close()


def _build_uuid(milliseconds: float) -> str:
    return to_uuid_hex(make_id(DELIVERY_PREFIX, milliseconds / 1000, 0))[:12] + "0" * 20


async def _find_places(cluster: HeroldCluster, now: float) -> list[Place]:
    """Deliveries at equal distances in all days but the first and the last."""
    connection = await asyncpg.connect(cluster.urls.database)
    span = DAYS - 2
    try:
        places = []
        for number in range(REQUESTS + WARM_UP):
            at = now - 86_400 * (1 + span * (number * 73 % (REQUESTS + WARM_UP)) / (REQUESTS + WARM_UP))
            query = "select id, notification_id, user_id from deliveries where id >= $1 and project = '' order by id limit 1"
            (row,) = await connection.fetch(query, _build_uuid(at * 1000))
            places.append(Place(DELIVERY_PREFIX + row["id"].hex, NOTIFICATION_PREFIX + row["notification_id"].hex, row["user_id"], at))
        return places
    finally:
        await connection.close()


async def _find_broadcast(cluster: HeroldCluster) -> list[Place]:
    """Deliveries of the broadcast, all of one millisecond."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        query = """
            select id, user_id, created_at, substr(deliveries -> 0 ->> 0, 5)::uuid as delivery_id
            from notifications where type = 'shop.news' limit $1
        """
        rows = await connection.fetch(query, REQUESTS + WARM_UP)
    finally:
        await connection.close()
    return [
        Place(DELIVERY_PREFIX + row["delivery_id"].hex, NOTIFICATION_PREFIX + row["id"].hex, row["user_id"], row["created_at"].timestamp())
        for row in rows
    ]


def _create_project(cluster: HeroldCluster, key: str) -> str:
    """The key of a new project, that of lists_fill.sql."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.get_port("gateway"))
    for path, body in (("", {"id": "small", "name": "Small"}), ("/small/api-keys", {"name": "bench", "role": "admin"})):
        connection.request(
            "POST", f"/v1/projects{path}", json.dumps(body), {"authorization": f"Bearer {key}", "content-type": "application/json"}
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 201, answer
    connection.close()
    return str(answer["key"])


def _measure_all(
    cluster: HeroldCluster, key: str, places: Sequence[Place], of_broadcast: Sequence[Place], names: Collection[str] | None
) -> dict[str, Any]:
    lists = (
        *(("deliveries", name, query, places) for name, query in DELIVERY_LISTS.items()),
        ("deliveries", "user of a broadcast", DELIVERY_LISTS["user"], of_broadcast),
        *(("notifications", name, query, places) for name, query in NOTIFICATION_LISTS.items()),
        ("notifications", "user of a broadcast", NOTIFICATION_LISTS["user"], of_broadcast),
    )
    figures: dict[str, Any] = {"deliveries": {}, "notifications": {}}
    for resource, name, query, asked in (one for one in lists if names is None or one[1] in names):
        figures[resource][name] = _measure_list(cluster, key, [build_target(resource, query(place), place) for place in asked])
        print(f"{resource}, {name}: {figures[resource][name]}", file=sys.stderr, flush=True)
    for name, asked in (("any", places), ("of a broadcast", of_broadcast)) if names is None else ():
        figures["notifications"][f"one, {name}"] = _measure_list(
            cluster, key, [f"/v1/notifications/{one.notification_id}" for one in asked]
        )
    return figures


def build_target(resource: str, query: Mapping[str, object], place: Place) -> str:
    """The path with the query; an empty cursor becomes that of the place."""
    path = f"/v1/{resource}"
    if "cursor" in query:
        key = (place.delivery_id, place.notification_id) if resource == "deliveries" else (place.notification_id, place.user_id)
        name = name_list(path, urlencode({name: value for name, value in query.items() if name != "cursor"}))
        query = {**query, "cursor": urlsafe_b64encode(json.dumps([name, *key]).encode()).rstrip(b"=").decode()}
    return f"{path}?{urlencode(query)}"


def _measure_list(cluster: HeroldCluster, key: str, targets: Sequence[str]) -> dict[str, float]:
    """Milliseconds from the request to the end of the body, CPU of gateway and PostgreSQL, and the items of a page on average."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.get_port("gateway"))
    headers = {"authorization": f"Bearer {key}"}
    for target in targets[:WARM_UP]:
        _fetch_items(connection, target, headers)
    meter, milliseconds, items = CpuMeter(cluster.get_pids("gateway", "postgres")), [], 0
    for target in targets[WARM_UP:]:
        started_at = time.perf_counter()
        items += _fetch_items(connection, target, headers)
        milliseconds.append((time.perf_counter() - started_at) * 1000)
    us = meter.compute_us_per_item(len(milliseconds))
    connection.close()
    percentiles = compute_percentiles(milliseconds, (50, 99), 1)
    return {**percentiles, "max": round(max(milliseconds), 1), "items": round(items / len(milliseconds), 1), **_name_cpu(us)}


def _name_cpu(us: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_us": round(value) for name, value in us.items() if name != "total"}


def _fetch_items(connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str]) -> int:
    connection.request("GET", target, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (target, body[:500])
    return len(json.loads(body).get("items", "1"))
