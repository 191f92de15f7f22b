"""The synchronisation of suppressions: the simulated SendGrid, PostgreSQL, and several workers."""

import asyncio
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import pytest

from agents.callbacks.sendgrid_suppressions import SuppressionLists
from agents.callbacks.suppression_sync import OVERLAP, SuppressionSync
from dev.simulators.protocol import ServerRequest
from dev.simulators.sendgrid_suppressions import SuppressionListServer
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.suppression_sync import SyncDelay, SyncedList
from tables.postgres.database import Database
from tables.postgres.suppression_sync import PostgresSuppressionSync
from tests.column_sealing import store_address
from tests.event_builders import NOW
from tests.held_database import hold_transaction, wait_for_lock

pytestmark = pytest.mark.usefixtures("sealing_mode")

HOUR = 3600.0


class Harness:
    """A synchronisation with the simulator in the place of the network."""

    def __init__(self, database: Database, simulator: SuppressionListServer, account: str = "sendgrid") -> None:
        self.database, self.simulator, self.status = database, simulator, 0
        self.observed, self.changed, self.queries = list[Any](), list[str](), list[str]()
        store = PostgresSuppressionSync(database, account)
        lists = SuppressionLists("https://api.sendgrid.com", "SG.key")
        self.sync = SuppressionSync(lists, store, self.send, self.on_changed, asyncio.sleep, self.observed.append, account)

    async def send(self, request: HttpRequest) -> HttpResult:
        line, *headers = request.head.decode().split("\r\n")
        target = urlsplit(line.split(" ")[1])
        self.queries.append(target.query)
        pairs = (header.partition(": ") for header in headers if header)
        by_name = {name.lower().encode(): value.encode() for name, _, value in pairs}
        response = self.simulator.handle_request(ServerRequest(b"GET", target.path.encode(), target.query.encode(), by_name, b""))
        return HttpResponse(self.status or response.status, {}, response.body)

    async def on_changed(self, user_ids: Collection[str]) -> None:
        self.changed += user_ids

    def suppress(self, name: str, address: str) -> None:
        """Let SendGrid have an address on a list."""
        query = f"email={address}".encode()
        request = ServerRequest(b"POST", b"/v3/suppression/" + name.encode(), query, {b"authorization": b"Bearer x"}, b"")
        assert self.simulator.handle_request(request).status == 201

    async def list_suppressions(self) -> list[tuple[Any, ...]]:
        rows = await self.database.fetch(
            "select address, reason, source_event, created_by from suppressions where undone_at is null order by 1"
        )
        return [tuple(row) for row in rows]


def build_rows(*rows: tuple[str, str, str, str]) -> list[tuple[str, str, str, str]]:
    """Rows of suppressions in the mode of the test, in the order of stored addresses."""
    return sorted((store_address("email", address), *others) for address, *others in rows)  # type: ignore[misc]  # four texts


@pytest.fixture
async def harness(database_copy: Database) -> Harness:
    await database_copy.fetch("delete from suppressions")  # those of the sample
    await database_copy.fetch("""insert into users (id, addresses) values ('u-1', '{"email": ["zoe@example.net"]}')""")
    return Harness(database_copy, SuppressionListServer(lambda: NOW))


async def test_each_list_has_its_reason_and_is_read_once(harness: Harness) -> None:
    harness.suppress("bounces", "Zoe@example.net")
    harness.suppress("spam_reports", "b@example.net")
    harness.suppress("unsubscribes", "c@example.net")
    harness.suppress("blocks", "d@example.net")
    assert await harness.sync.run_if_due(HOUR)
    assert await harness.list_suppressions() == build_rows(
        ("b@example.net", "complaint", "spam_reports", "sendgrid"),
        ("c@example.net", "stop", "unsubscribes", "sendgrid"),
        ("zoe@example.net", "hard_bounce", "bounces", "sendgrid"),
    )
    assert harness.changed == ["u-1"]
    assert [(event.name, event.read, event.added) for event in harness.observed] == [
        ("bounces", 1, 1), ("invalid_emails", 0, 0), ("spam_reports", 1, 1), ("unsubscribes", 1, 1)
    ]  # fmt: skip
    assert not await harness.sync.run_if_due(HOUR), "one run in an interval"


async def test_the_next_run_reads_what_was_added_since_the_last_complete_one(harness: Harness) -> None:
    harness.status = 500
    assert not await harness.sync.run_if_due(0.0)
    assert isinstance(harness.observed[-1], SyncDelay)
    harness.status = 0
    assert await harness.sync.run_if_due(0.0)
    assert await harness.sync.run_if_due(0.0)
    starts = [query.split("&")[0] for query in harness.queries]
    assert starts[:5] == ["start_time=0"] * 5
    (completed,) = await harness.database.fetch("select extract(epoch from completed_from)::float8 as at from suppression_syncs")
    assert "start_time=0" not in starts[5:]
    assert 0 < completed["at"] - int(starts[5].removeprefix("start_time=")) - OVERLAP < 60, "what is listed late is read again"


async def test_each_account_has_its_own_runs(harness: Harness) -> None:
    other = Harness(harness.database, SuppressionListServer(lambda: NOW), "sendgrid-backup")
    other.suppress("bounces", "a@example.net")
    assert await harness.sync.run_if_due(HOUR)
    assert await other.sync.run_if_due(HOUR)
    assert {(event.account, event.name) for event in other.observed if event.added} == {("sendgrid-backup", "bounces")}
    assert await harness.list_suppressions() == build_rows(("a@example.net", "hard_bounce", "bounces", "sendgrid-backup"))


async def test_a_long_list_is_read_page_by_page(harness: Harness) -> None:
    for number in range(501):
        harness.suppress("bounces", f"a{number}@example.net")
    assert await harness.sync.run_if_due(HOUR)
    assert harness.observed[0] == SyncedList("bounces", 501, 501, "sendgrid")
    assert len(await harness.list_suppressions()) == 501


async def test_what_an_operator_undid_stays_undone(harness: Harness) -> None:
    harness.suppress("bounces", "zoe@example.net")
    await harness.sync.run_if_due(0.0)
    await harness.database.fetch("update suppressions set undone_at = now(), undone_by = 'operator'")
    await harness.database.fetch("update suppression_syncs set completed_from = null")
    await harness.sync.run_if_due(0.0)
    assert await harness.list_suppressions() == []


async def test_what_an_operator_undoes_while_it_is_read_stays_undone(harness: Harness) -> None:
    harness.suppress("bounces", "zoe@example.net")
    await harness.sync.run_if_due(0.0)
    await harness.database.fetch("update suppression_syncs set completed_from = null")
    async with hold_transaction(harness.database) as operator:
        await operator.fetch("update suppressions set undone_at = now(), undone_by = 'operator'")
        run = asyncio.create_task(harness.sync.run_if_due(0.0))
        await wait_for_lock(harness.database, run)
    assert await run
    assert await harness.list_suppressions() == []


async def test_of_several_workers_one_runs(harness: Harness) -> None:
    workers = [Harness(harness.database, harness.simulator) for _ in range(4)]
    results = await asyncio.gather(*(worker.sync.run_if_due(HOUR) for worker in workers))
    assert sorted(results) == [False, False, False, True]
