"""The suppression lists of SendGrid: requests as SendGrid's own client builds them, and answers of every kind."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from sendgrid import SendGridAPIClient

from agents.callbacks.sendgrid_suppressions import LISTS, PAGE_SIZE, SuppressionLists
from schemas.http import HttpResponse, NotSent
from schemas.suppression_sync import ListedSuppression

API = SuppressionLists("https://api.sendgrid.com", "SG.key")
NOW = 1_760_000_000


def respond(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {}, body if isinstance(body, bytes) else msgspec.json.encode(body))


@pytest.mark.parametrize("name", LISTS)
def test_a_request_is_that_of_sendgrids_client(name: str) -> None:
    request = API.build_request(name, NOW + 0.9, 500)
    line, *headers = request.head.decode().split("\r\n")
    client = SendGridAPIClient("SG.key").client.suppression._(name)
    theirs = urlsplit(client._build_url({"start_time": NOW, "limit": PAGE_SIZE, "offset": 500}))
    ours = urlsplit(line.split(" ")[1])
    assert (ours.path, parse_qs(ours.query)) == (theirs.path, parse_qs(theirs.query))
    assert {"Host: api.sendgrid.com", "Authorization: Bearer SG.key"} <= set(headers)
    assert (line.split(" ")[0], request.body, request.head[-4:]) == ("GET", b"", b"\r\n\r\n")


def test_entries_without_a_usable_address_are_left_out_and_counted() -> None:
    entries = [
        {"email": "Ada@Example.org", "created": NOW, "reason": "550 5.1.1", "status": "5.1.1"},
        {"email": "nobody"},
        {"created": NOW},
        {"email": "b@example.org", "created": "yesterday"},
    ]
    found = (ListedSuppression("Ada@example.org", "complaint", NOW), ListedSuppression("b@example.org", "complaint", 0.0))
    assert API.parse_page("spam_reports", respond(entries)) == (4, list(found))


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (NotSent("refused"), "bounces: SendGrid does not answer: refused"),
        (respond([], 403), "the scope suppression.read"),
        (respond({"errors": []}), "is not a list"),
        (respond(b"\xff"), "is not a list"),
        (respond([1]), "is not a list"),
    ],
)
def test_what_is_wrong_is_a_text(result: Any, words: str) -> None:
    problem = API.parse_page("bounces", result)
    assert isinstance(problem, str)
    assert words in problem
    assert "SG.key" not in problem
