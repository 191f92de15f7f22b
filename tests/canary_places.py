"""Everything that an installation writes down: topics, tables, keys of Redis, files of workers, logs, metrics and arguments of processes.

The simulators are the providers: what they log has left the installation.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from tests.cluster import HeroldCluster, fetch_url

LIST_TABLES = "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
COMMANDS_OF_TYPES = {"hash": ("hgetall",), "list": ("lrange", 0, -1), "set": ("smembers",), "zset": ("zrange", 0, -1, "withscores")}
Places = Mapping[str, bytes]


async def read_topics(cluster: HeroldCluster) -> dict[str, bytes]:
    """All that the topics of the installation have, keys and headers included, decompressed; by topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.urls.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = [topic for topic in await consumer.topics() if topic.startswith(cluster.prefix)]
        consumer.subscribe(topics)
        found: dict[str, list[bytes]] = {topic: [] for topic in topics}
        while batches := await consumer.getmany(timeout_ms=3000):
            for partition, records in batches.items():
                for record in records:
                    found[partition.topic] += [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
        return {topic.removeprefix(cluster.prefix): b"\n".join(parts) for topic, parts in found.items()}
    finally:
        await consumer.stop()


async def read_database(cluster: HeroldCluster) -> dict[str, bytes]:
    """All rows of all tables as text, as a dump has them."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        found = {}
        for (table,) in await connection.fetch(LIST_TABLES):
            rows = await connection.fetch(f"select to_jsonb(t)::text as row from {table} as t")
            found[table] = "\n".join(unescape(row["row"]) for row in rows).encode()
        return found
    finally:
        await connection.close()


def unescape(row: str) -> str:
    r"""The row with its bytea values, which JSON has as \x and hex, as text."""
    parts = [part for value in json.loads(row).values() for part in (value, decode_hex(value))]
    return " ".join(map(str, parts))


def decode_hex(value: object) -> str:
    return bytes.fromhex(value[2:]).decode("latin-1") if isinstance(value, str) and value.startswith("\\x") else ""


async def read_redis(cluster: HeroldCluster) -> dict[str, bytes]:
    """All keys of the installation with their values of any type, by family."""
    found: dict[str, bytes] = {}
    async with Redis.from_url(cluster.urls.redis) as redis:
        async for key in redis.scan_iter(f"{cluster.prefix}*"):
            family, kind = key.decode().removeprefix(cluster.prefix).partition(":")[0], (await redis.type(key)).decode()
            if kind == "string":
                value = await redis.get(key) or b""
            else:
                command, *arguments = COMMANDS_OF_TYPES[kind]
                value = repr(await redis.execute_command(command, key, *arguments)).encode()
            found[family] = found.get(family, b"") + key + b"\n" + value + b"\n"
    return found


def list_files(cluster: HeroldCluster) -> Iterator[tuple[str, bytes]]:
    """The files of the tables, and the logs of the processes but the simulators, which are the providers."""
    for path in [*cluster.data_dir.rglob("*"), *cluster.home.glob(f"{cluster.prefix}*.log")]:
        if path.is_file() and "simulators" not in path.name:
            yield str(path.relative_to(cluster.home)).removeprefix(cluster.prefix), path.read_bytes()


def read_processes(cluster: HeroldCluster) -> dict[str, bytes]:
    """The metrics and the arguments of all processes but the simulators."""
    found = {}
    for name, process in cluster.processes.items():
        if name != "simulators":
            token = cluster.env["HEROLD_GATEWAY_API_KEY" if name == "gateway" else "HEROLD_WORKER_WEB_TOKEN"]
            headers = {"authorization": f"Bearer {token}"}
            found[f"metrics of {name}"] = fetch_url(cluster.build_url(name, "/metrics"), headers=headers)
            found[f"arguments of {name}"] = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    return found


async def read_places(cluster: HeroldCluster) -> dict[str, bytes]:
    """Topics, tables, keys and files by name. Raises AssertionError if one of the kinds is empty, which was not read then."""
    found: dict[str, bytes] = {}
    for places in (await read_topics(cluster), await read_database(cluster), await read_redis(cluster), dict(list_files(cluster))):
        assert any(places.values())
        for name, content in places.items():
            found[name] = found.get(name, b"") + content
    return found


def list_spellings(value: str) -> set[bytes]:
    """How bytes show a text that nobody has encrypted: as it is, in a URL, in JSON, in hexadecimal, and in base64 at each alignment."""
    raw = value.encode()
    spellings = {raw, quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), raw.hex().encode()}
    for offset in range(3):
        whole = b64encode(bytes(offset) + raw)
        inner = whole[-(-offset * 8 // 6) : len(whole.rstrip(b"=")) - 1]  # without the characters that its neighbours have a part in
        spellings |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return spellings


def find_values(values: Mapping[str, str], places: Places) -> dict[str, set[str]]:
    """The places that show each value; only those that somewhere are."""
    found: dict[str, set[str]] = {}
    for name, value in values.items():
        spellings = list_spellings(value)
        if shown := {place for place, content in places.items() if any(spelling in content for spelling in spellings)}:
            found[name] = shown
    return found
