from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.twins.requests import said
from twins.desk import Desk
from twins.ledger import Ledger
from twins.values import Reply, Request


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for number in range(5):
        ledger.append(1.0, "sendgrid", f"d-{number}", "a b@x.org" if number else "c@x.org", 202, "")
    yield Desk(ledger, ledger.reset)
    ledger.close()


def ask(desk: Desk, path: bytes, query: bytes = b"", method: bytes = b"GET") -> Reply:
    """What the desk says."""
    return desk.answer(Request(method, path, query, {}, b""))


def test_counts(desk: Desk) -> None:
    report = said(ask(desk, b"/ledger"))
    assert (report["requests"], report["accepted"], report["seq"]) == (5, 5, 5)
    assert said(ask(desk, b"/healthz")) == {"status": "ok", "seq": 5}


def test_search(desk: Desk) -> None:
    assert [entry["seq"] for entry in said(ask(desk, b"/ledger/search", b"delivery=d-3"))] == [4]
    assert [entry["seq"] for entry in said(ask(desk, b"/ledger/search", b"address=a%20b%40x.org&limit=2"))] == [2, 3]


def test_entries(desk: Desk) -> None:
    reply = ask(desk, b"/ledger/entries", b"after=1&limit=2")
    assert reply.content_type == b"application/x-ndjson"
    assert reply.body.count(b"\n") == 2
    assert b'"seq":2' in reply.body


def test_reset(desk: Desk) -> None:
    assert said(ask(desk, b"/ledger/reset", method=b"POST"))["requests"] == 0


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        (b"/ledger/search", b"", 400, "delivery="),
        (b"/ledger/entries", b"after=x", 400, "after is a whole number"),
        (b"/ledger/entries", b"limit=-1", 400, "limit is a whole number"),
        (b"/ledger/reset", b"", 404, "POST /ledger/reset"),
        (b"/nowhere", b"", 404, "GET /ledger"),
    ],
)
def test_what_it_cannot_do_it_says(desk: Desk, path: bytes, query: bytes, status: int, says: str) -> None:
    reply = ask(desk, path, query)
    assert reply.status == status
    assert says in said(reply)["error"]
