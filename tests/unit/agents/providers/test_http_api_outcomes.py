"""What responses mean: the entries of the file in order, then what HTTP says."""

from typing import Any

import msgspec
import pytest

from agents.providers.http_api_file import ResponseEntry
from agents.providers.http_api_outcomes import InvalidOutcome, ResponseMap
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpResponse
from schemas.outcome import AttemptResult
from tests.delivery_builders import NOW

RESPONSE: dict[str, Any] = {
    "accepted": [200, 202],
    "message_id": "messages.0.id",
    "error_code": "error.code",
    "retry_after": "X-Retry-In",
    "outcomes": [
        {"status": [400, 422], "code": [21211, "bad_number"], "outcome": "REJECTED_RECIPIENT", "detail": "no such number"},
        {"status": "4xx", "code": "stop", "outcome": "REJECTED_RECIPIENT", "reason": "opted_out"},
        {"status": 410, "outcome": "REJECTED_RECIPIENT", "reason": "unregistered_token"},
        {"status": 402, "outcome": "REJECTED_PERMANENT", "account_fault": True, "detail": "no credit"},
        {"status": 409, "outcome": "ACCEPTED"},
        {"status": 200, "code": "queue_full", "outcome": "THROTTLED"},
        {"status": 503, "outcome": "NOT_SENT"},
    ],
}


def parse(status: int, body: Any = None, headers: dict[bytes, bytes] | None = None, **changes: Any) -> AttemptResult:
    responses = ResponseMap(msgspec.convert({**RESPONSE, **changes}, ResponseEntry))
    return responses.parse(HttpResponse(status, headers or {}, b"" if body is None else msgspec.json.encode(body)), NOW)


def build_error(code: Any) -> dict[str, Any]:
    return {"error": {"code": code}}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason", "code"),
    [
        (200, {"messages": [{"id": "m-1"}]}, Outcome.ACCEPTED, "", 200),
        (201, None, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 201),  # not among the accepted ones
        (400, build_error(21211), Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, 21211),
        (422, build_error("bad_number"), Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, 422),
        (400, build_error(7), Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 7),
        (403, build_error("stop"), Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, 403),
        (410, None, Outcome.REJECTED_RECIPIENT, Reason.UNREGISTERED_TOKEN, 410),
        (409, None, Outcome.ACCEPTED, "", 409),
        (200, build_error("queue_full"), Outcome.THROTTLED, "", 200),
        (503, None, Outcome.NOT_SENT, "", 503),
        (429, None, Outcome.THROTTLED, "", 429),
        (500, build_error(21211), Outcome.UNKNOWN, "", 21211),
        (408, None, Outcome.UNKNOWN, "", 408),
        (301, None, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, 301),
    ],
)
def test_the_first_entry_that_fits_decides(status: int, body: Any, outcome: Outcome, reason: str, code: int) -> None:
    found = parse(status, body)
    assert (found.outcome, found.reason, found.provider_code, found.is_account_fault) == (outcome, reason, code, False)


@pytest.mark.parametrize(("status", "code", "has_failed"), [(500, 21211, True), (502, 0, True), (202, 21211, False), (408, None, False)])
def test_the_status_and_not_the_code_of_the_body_says_that_the_provider_has_failed(status: int, code: Any, has_failed: bool) -> None:
    found = parse(status, build_error(code), outcomes=[{"status": 202, "code": 21211, "outcome": "UNKNOWN"}])
    assert (found.outcome, found.has_failed) == (Outcome.UNKNOWN, has_failed)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_faults_of_the_account_pause_it(status: int) -> None:
    assert parse(status).is_account_fault
    assert parse(402).detail == "no credit"


def test_reasons_have_their_status() -> None:
    assert (parse(403, build_error("stop")).status, parse(410).status) == (Status.UNSUBSCRIBED, Status.BOUNCED)
    assert parse(400, build_error(21211)).status is None


def test_the_message_id_is_at_its_path() -> None:
    assert parse(200, {"messages": [{"id": "m-1"}]}).provider_message_id == "m-1"
    assert parse(200, {"messages": [{"id": 17}]}).provider_message_id == "17"
    for body in ({"messages": []}, {"messages": {"0": {}}}, {"messages": [{"id": {"a": 1}}]}, {"messages": [{"id": True}]}, [1], "x", None):
        assert parse(200, body).provider_message_id == ""


def test_another_header_may_say_when_to_try_again() -> None:
    headers = {b"x-retry-in": b"7", b"retry-after": b"9"}
    assert [parse(status, headers=headers).retry_after for status in (429, 500, 503, 400)] == [7.0, 7.0, 7.0, 0.0]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"status": 400, "outcome": "ACCEPTED", "reason": "opted_out"}, "ACCEPTED has no reason"),
        ({"status": 400, "outcome": "REJECTED_PERMANENT", "reason": "opted_out"}, "REJECTED_PERMANENT has misconfigured"),
        ({"status": 400, "outcome": "UNKNOWN", "account_fault": True}, "only REJECTED_PERMANENT"),
    ],
)
def test_an_entry_that_contradicts_itself_is_named(entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidOutcome, match=rf"response\.outcomes\[1\]\.\w+: {problem}"):
        parse(200, outcomes=[RESPONSE["outcomes"][0], entry])


def test_a_code_needs_a_path() -> None:
    with pytest.raises(InvalidOutcome, match=r"response\.outcomes\[0\]\.code: response\.error_code"):
        parse(200, error_code="")
