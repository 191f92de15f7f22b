"""Every way in which a notification is not delivered is explained by the right gate, over the API and by `herold explain`."""

import asyncio
import json
import time
import urllib.error
import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from click.testing import Result

from app.topology import ROLES
from dev.stack.stack import ServerUrls
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from tests.cluster import PARTITIONS, HeroldCluster, fetch_url, wait_until
from tests.conftest import create_temporary_database
from tests.herold_runner import HeroldRunner, build_herold_runner

ADA, EVE, OPTED_OUT, SUPPRESSED, QUIET = "u-ada", "u-eve", "u-opted-out", "u-suppressed", "u-quiet"
VIENNA = ZoneInfo("Europe/Vienna")  # where Ada lives
TO = {"email": "ada@example.org", "sms": "+436641234567"}
WORKERS = [role for role in ROLES if role not in ("push", "webhook")]
POLICY = """
rules:
  - {type: order, category: transactional, priority: high, channels: [email]}
  - {type: code, category: security, priority: high, channels: [sms], template: order}
  - {type: news, category: marketing, priority: high, channels: [email], template: order}
  - {type: alert, category: transactional, priority: high, channels: [email], template: order, digest: {window: 3600}}
  - {type: large, category: transactional, priority: high, channels: [email], template: order, condition: "data.total > 100"}
rate_limits:
  - {channel: sms, max_count: 1, window_seconds: 3600}
  - {channel: email, category: marketing, max_count: 1, window_seconds: 3600}
  - {max_count: 3, window_seconds: 3600}
templates:
  order:
    email: {default: {subject: "Order {{ number }}", text: "Your order {{ number }}."}}
    sms: {default: {text: "Your code {{ number }}."}}
"""


class Case(NamedTuple):
    """Notifications of which the last is not delivered; the gate and reason that explain it, and words of the answer and the remedy."""

    notifications: list[dict[str, Any]]
    gate: str
    reason: str
    answer: str
    remedy: str
    state: str = "rejected"


def build(type_: str = "order", **fields: Any) -> dict[str, Any]:
    return {"user_id": ADA, "type": type_, "data": {"number": 17}, "to": TO, **fields}


CASES = {
    "opted out": Case(
        [build("news", user_id=OPTED_OUT)],
        "consent",
        "opted_out",
        "the user has opted out of such messages",
        "the user would have to opt in to marketing messages by e-mail",
    ),
    "suppressed": Case(
        [build(user_id=SUPPRESSED)],
        "consent",
        "suppressed",
        "its addresses are on the suppression list",
        "undo the suppression of the addresses for e-mail",
    ),
    "quiet hours": Case(
        [build("news", user_id=QUIET)],
        "quiet_hours",
        "quiet_hours",
        "the user has quiet hours from",
        "outside the user's quiet hours it is sent at once",
        "held",
    ),
    "scheduled": Case(
        [build(send_at=time.time() + 3600)], "schedule", "send_at", "submitted for that time", "without send_at it is sent at once", "held"
    ),
    "condition of a rule": Case(
        [build("large", data={"number": 17, "total": 50})],
        "rule",
        "condition",
        "the condition of the rule for the type 'large' is not true",
        "`data.total > 100` would have to be true",
    ),
    "channel limit": Case(
        [build("code", user_id="u-limit"), build("code", user_id="u-limit")],
        "rate_limit",
        "rate_limited",
        "as many notifications as the rate limits allow",
        "the limit of 1 SMS in 3,600 s has room again at",
    ),
    "category limit": Case(
        [build("news", user_id="u-category"), build("news", user_id="u-category")],
        "rate_limit",
        "rate_limited",
        "as many notifications as the rate limits allow",
        "the limit of 1 e-mail of the category marketing in 3,600 s has room again at",
    ),
    "user limit": Case(
        [build(user_id="u-many") for _ in range(4)],
        "rate_limit",
        "rate_limited",
        "as many notifications as the rate limits allow",
        "the limit of 3 messages over all channels in 3,600 s has room again at",
    ),
    "cancelled": Case(
        [build(send_at=time.time() + 3600)],
        "schedule",
        "cancelled",
        "it was cancelled while it was held",
        "would have to be submitted again",
    ),
    "merged into a digest": Case(
        [build("alert", user_id="u-digest"), build("alert", user_id="u-digest")],
        "digest",
        "digest",
        "it was merged into the digest ntf_",
        "the user would have to choose no digest",
        "merged",
    ),
    "expired": Case(
        [build(expires_at=time.time() - 60)], "expiry", "expired", "it had expired before it was decided", "had to be decided before"
    ),
    "duplicate": Case(
        [build(idempotency_key="k-1"), build(idempotency_key="k-1")],
        "idempotency",
        "duplicate",
        "an earlier notification with this key: {first}",
        "a key of its own",
    ),
    "no address": Case(
        [build(user_id=EVE, to={})], "recipient", "no_address", "no address on any of its channels", "an address for e-mail"
    ),
    "unknown template": Case(
        [build(template="no-such-template")], "rendering", "unknown_template", "there is no such template", "'no-such-template'", "dead"
    ),
    "missing variable": Case(
        [build(data={})], "rendering", "missing_variable", "needs a variable that its data does not have", "in `data`", "dead"
    ),
    "unknown type": Case([build("no-such-type")], "rule", "unknown_type", "no rule for the type 'no-such-type'", "add a rule", "dead"),
    "invalid record": Case([build(data=17)], "decode", "invalid", "wrong type", "correct the field", "dead"),
}


class Explained(NamedTuple):
    """A running stack with the notifications of all cases; their ids by case, and `herold`."""

    cluster: HeroldCluster
    ids: dict[str, list[str]]
    herold: HeroldRunner

    def get(self, path: str) -> Any:
        """The JSON of a GET of the gateway."""
        headers = {"authorization": f"Bearer {self.cluster.state.get_secret('api_key')}"}
        return json.loads(fetch_url(self.cluster.build_url("gateway", path), headers=headers))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def explained(
    tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str
) -> AsyncIterator[Explained]:
    async with create_temporary_database(postgres_url) as database_url:
        home, prefix = tmp_path_factory.mktemp("explain"), f"t-{uuid.uuid4().hex[:12]}-"
        cluster = HeroldCluster(home, ServerUrls(kafka_url, database_url, redis_url), prefix)
        try:
            await cluster.create_schema()
            herold = build_herold(cluster)
            await prepare(cluster, herold, home)
            workers = [cluster.start_worker(role) for role in WORKERS]
            await asyncio.gather(cluster.start_simulators(), cluster.start_gateway(), *workers)
            ids = {name: await submit(cluster, case.notifications, number) for number, (name, case) in enumerate(CASES.items())}
            explained = Explained(cluster, ids, herold)
            await wait_until_recorded(explained)
            check(await asyncio.to_thread(herold, "cancel", ids["cancelled"][0]))
            yield explained
        finally:
            await cluster.close()


def build_herold(cluster: HeroldCluster) -> HeroldRunner:
    """`herold` for this stack."""
    env = {name: value for name, value in cluster.env.items() if name.startswith(("HEROLD_", "KAFKA_", "DATABASE_", "REDIS_"))}
    return build_herold_runner(**env, HEROLD_URL=cluster.build_url("gateway", ""), HEROLD_HOME=str(cluster.home))


async def prepare(cluster: HeroldCluster, herold: HeroldRunner, home: Path) -> None:
    """Apply the policy and store the users."""
    (home / "policy.yml").write_text(POLICY)
    check(await asyncio.to_thread(herold, "policy", "apply", str(home / "policy.yml")))
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        await connection.execute("delete from users where id = any($1::text[])", [ADA, EVE])
        await connection.executemany(
            "insert into users (id, time_zone, quiet_hours) values ($1, $2, $3)",
            [
                (user, VIENNA.key, json.dumps(build_quiet_hours()) if user == QUIET else None)
                for user in (ADA, EVE, OPTED_OUT, SUPPRESSED, QUIET)
            ],
        )
        await connection.execute("insert into user_preferences (user_id, category, choice) values ($1, 'marketing', 'out')", OPTED_OUT)
        await connection.execute(
            """insert into suppressions (id, user_id, channel, address, reason, created_by)
            values (gen_random_uuid(), $1, 'email', '', 'complaint', 'test')""",
            SUPPRESSED,
        )
    finally:
        await connection.close()


def build_quiet_hours() -> dict[str, str]:
    """Quiet hours in Vienna from an hour ago to two hours from now."""
    now = datetime.now(VIENNA)
    return {name: f"{now + timedelta(hours=hours):%H:%M}" for name, hours in (("start", -1), ("end", 2))}


async def submit(cluster: HeroldCluster, notifications: Iterable[dict[str, Any]], number: int) -> list[str]:
    """Produce notifications, as a producer over Kafka does: nothing is checked before the router; returns their ids."""
    ids = []
    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka) as producer:
        for index, notification in enumerate(notifications):
            ids.append(make_id(NOTIFICATION_PREFIX, time.time(), number * 10 + index))
            user = notification["user_id"]
            value = msgspec.json.encode({**notification, "id": ids[-1]})
            partition = compute_partition(user, PARTITIONS)
            await producer.send_and_wait(f"{cluster.prefix}notifications.high", value, user.encode(), partition=partition)
    return ids


async def wait_until_recorded(explained: Explained) -> None:
    """Wait until the decision of every notification is recorded."""

    for name, ids in explained.ids.items():
        for notification_id in ids:

            async def is_recorded(path: str = f"/v1/notifications/{notification_id}") -> bool:
                try:
                    return bool(explained.get(path)["state"])
                except urllib.error.HTTPError:
                    return False

            await wait_until(is_recorded, 60, f"the decision of {name} is recorded", interval=0.2)


def check(result: Result) -> str:
    """The output of a command that succeeded."""
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("name", CASES)
def test_a_non_delivery_is_explained_by_its_gate(explained: Explained, name: str) -> None:
    case, ids = CASES[name], explained.ids[name]
    body = explained.get(f"/v1/notifications/{ids[-1]}/explain")
    gate = body["gates"][-1]
    assert (body["state"], gate["gate"], gate["reason"]) == (case.state, case.gate, case.reason)
    assert body["summary"].startswith(("Not sent: ", "Held until ", "Not sent on its own: "))
    assert case.answer.format(first=ids[0]) in body["summary"]
    assert case.remedy in body["remedy"] == gate["remedy"]
    assert {earlier["verdict"] for earlier in body["gates"][:-1]} <= {"pass", "hold"}  # what was cancelled was held before
    assert not any(address in json.dumps(body) for address in TO.values())


@pytest.mark.parametrize("name", CASES)
def test_the_command_prints_the_answer_the_remedy_and_the_gate(explained: Explained, name: str) -> None:
    case, ids = CASES[name], explained.ids[name]
    lines = check(explained.herold("explain", ids[-1])).splitlines()
    assert case.answer.format(first=ids[0]) in " ".join(lines)
    assert any(line.startswith("What would have changed it: ") for line in lines)
    assert any(line.split()[:1] == [case.gate] and case.reason in line for line in lines)
    if len(ids) > 1 and case.reason == "duplicate":
        assert any(line.split()[-3:] == ["herold", "explain", ids[0]] for line in lines)


async def test_a_delivery_is_explained_with_its_attempt(explained: Explained) -> None:
    (first, _) = explained.ids["duplicate"]

    async def is_sent() -> bool:
        return bool(explained.get(f"/v1/notifications/{first}/explain")["deliveries"][0].get("attempts"))

    await wait_until(is_sent, 60, "the first one is sent", interval=0.2)
    body = explained.get(f"/v1/notifications/{first}/explain")
    assert body["summary"].startswith("Sent by e-mail at ")
    assert body["summary"].endswith(" UTC).")
    assert (body["time_zone"], body["rule"], body["templates"]) == ("Europe/Vienna", "order@1", {"email": "order@1 default"})
    text = check(explained.herold("explain", first))
    assert "email attempt 1" in text
    assert "code 202" in text


def test_the_last_ones_of_a_user_and_a_type_are_found(explained: Explained) -> None:
    text = check(explained.herold("explain", "--user", "u-limit", "--type", "code"))
    first, second = explained.ids["channel limit"]
    assert text.index(second) < text.index(first)
    assert text.index("Not sent: ") < text.index("by SMS")


def test_a_digest_names_what_is_in_it_and_the_state_shows_it_open(explained: Explained) -> None:
    first, second = explained.ids["merged into a digest"]
    body = explained.get(f"/v1/notifications/{second}/explain")
    digest_id = body["duplicate_of"]
    assert f"it was merged into the digest {digest_id}, which is sent at " in body["summary"]
    digest = explained.get(f"/v1/notifications/{digest_id}/explain")
    assert (digest["state"], digest["gates"][-1]["gate"]) == ("held", "digest")
    assert "it gathers notifications until then" in digest["summary"]
    (open_digest,) = explained.get("/v1/users/u-digest/state")["digests"]
    assert (open_digest["id"], open_digest["type"], open_digest["count"]) == (digest_id, "alert", 2)
    assert digest_id in check(explained.herold("state", "u-digest"))
    assert any(line.split()[-3:] == ["herold", "explain", digest_id] for line in check(explained.herold("explain", first)).splitlines())


async def test_a_cancelled_digest_names_what_was_in_it(explained: Explained) -> None:
    ids = await submit(explained.cluster, [build("alert", user_id="u-digest-2") for _ in range(2)], 998)
    await wait_until_recorded(explained._replace(ids={"a digest to cancel": ids}))
    digest_id = explained.get(f"/v1/notifications/{ids[0]}")["duplicate_of"]
    check(await asyncio.to_thread(explained.herold, "cancel", digest_id))

    async def is_cancelled() -> bool:
        return bool(explained.get(f"/v1/notifications/{digest_id}")["state"] == "rejected")

    await wait_until(is_cancelled, 60, "the digest is cancelled", interval=0.2)
    body = explained.get(f"/v1/notifications/{digest_id}/explain")
    gate = body["gates"][-1]
    assert (gate["gate"], gate["reason"]) == ("digest", "cancelled")
    assert all(one in gate["description"] for one in ids)
    merged = explained.get(f"/v1/notifications/{ids[0]}/explain")["summary"]
    assert merged.endswith("The digest: Not sent: it was cancelled while it was held.")
    assert explained.get("/v1/users/u-digest-2/state")["digests"] == []


def test_the_live_state_shows_the_full_window_and_the_key(explained: Explained) -> None:
    body = explained.get("/v1/users/u-limit/state")
    (window,) = [window for window in body["rate_windows"] if (window["channel"], window["window_seconds"]) == ("sms", 3600)]
    assert (window["used_count"], window["max_count"], window["has_room"]) == (1, 1, False)
    assert time.time() < window["room_again_at"] <= time.time() + 3600
    ada = explained.get(f"/v1/users/{ADA}/state")
    assert ada["unavailable"] == {}
    keys = [entry["notification_id"] for entry in ada["idempotency_keys"] if entry["key"] == "k-1"]
    assert keys == [explained.ids["duplicate"][0]]
    assert [entry["id"] for entry in ada["scheduled"]] == explained.ids["scheduled"]
    assert "k-1" in check(explained.herold("state", ADA))


async def test_an_emptied_window_has_room_for_the_next_one(explained: Explained) -> None:
    text = check(await asyncio.to_thread(explained.herold, "state", "u-limit", "--reset", "sms", "--reason", "a call"))
    assert any(line.split() == ["sms", "3,600", "s", "0", "1", "has", "room"] for line in text.splitlines())
    query = "select concat_ws(' ', actor, action, object_id, details ->> 'reason') from audit_log where object_type = 'rate_windows'"
    assert str(await explained.cluster.fetch_value(query)).endswith(" reset u-limit a call")
    (next_id,) = await submit(explained.cluster, [build("code", user_id="u-limit")], 999)
    await wait_until_recorded(explained._replace(ids={"after the reset": [next_id]}))
    assert explained.get(f"/v1/notifications/{next_id}")["state"] == "routed"
