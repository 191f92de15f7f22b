"""The Python client: requests as the API takes them, results and problems as values and exceptions, retries, and pages."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from herold_client import AsyncHerold, Herold, NotJsonError, ProblemError, RetryPolicy, UnreachableError, models
from herold_client.errors import InvalidRequestError, NotFoundError, UnavailableError
from herold_client.requests import Request
from herold_client.retries import Failure, find_delay
from herold_client.transport import AsyncTransport, Transport

from dev.clients.__main__ import COMMAND, find_outdated_files

URL = "http://gateway.example"
NO_WAIT = RetryPolicy(attempts=3, first_delay=0.0)
PROBLEM = {
    "type": "/docs#invalid",
    "code": "invalid",
    "title": "The request is not valid",
    "status": 422,
    "detail": "$.user_id: is missing",
    "errors": [{"path": "$.user_id", "pointer": "#/user_id", "detail": "is missing", "reason": "invalid"}],
    "request_id": "r-1",
}
Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


class Gateway:
    """Answers requests with a list of answers, and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self.requests: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def open(self, retries: RetryPolicy = NO_WAIT) -> Herold:
        """A client of this gateway."""
        herold = Herold(URL, "key", retries=retries)
        herold.close()
        herold._http = httpx.Client(transport=httpx.MockTransport(self.handle))
        return herold

    async def open_async(self) -> AsyncHerold:
        """An asynchronous client of this gateway."""
        herold = AsyncHerold(URL, "key", retries=NO_WAIT)
        await herold.close()
        herold._http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return herold


def accept(status: int = 202, **members: Any) -> httpx.Response:
    return httpx.Response(status, json={"id": "ntf_1", "priority": "high", "status": "accepted", **members})


SUBMISSION = models.Submission(user_id="u-42", type="order.shipped", data={"order": 17})


def test_the_generated_files_are_current() -> None:
    assert find_outdated_files() == [], f"the client differs from the API: run `{COMMAND}` and commit the files"


def test_a_submission_is_sent_as_json_without_what_is_left_out() -> None:
    gateway = Gateway(accept())
    with gateway.open() as herold:
        accepted = herold.submit_notification(SUBMISSION, idempotency_key="order-17")
    (request,) = gateway.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/v1/notifications")
    assert request.content == b'{"user_id":"u-42","type":"order.shipped","data":{"order":17}}'
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "order-17"
    assert accepted == models.SubmissionResponse(id="ntf_1", priority="high")


def test_null_and_what_is_left_out_differ() -> None:
    gateway = Gateway(httpx.Response(200, json={}), httpx.Response(200, json={}))
    with gateway.open(RetryPolicy(attempts=1)) as herold:
        for body in (models.UserChange(tier="gold"), models.UserChange(tier=None)):  # type: ignore[arg-type]
            with pytest.raises(NotJsonError):  # an empty object is no user
                herold.change_user("u-42", body, if_match=3)
    assert [request.content for request in gateway.requests] == [b'{"tier":"gold"}', b'{"tier":null}']
    assert gateway.requests[0].headers["if-match"] == '"3"'


def test_the_name_of_a_list_is_repeated() -> None:
    request = Request("GET", "/x", query={"state": ["routed", "held"], "user_id": None, "empty": [], "is": True})
    assert request.url == "/x?state=routed&state=held&is=true"


def test_parameters_are_percent_encoded() -> None:
    gateway = Gateway(httpx.Response(200, json={"items": [], "next_cursor": None}), httpx.Response(404, json={"code": "not-found"}))
    with gateway.open() as herold:
        herold.list_suppressions(search="a+b@example.org", undone=True, limit=3)
        with pytest.raises(NotFoundError):
            herold.get_user("shop/42 ü%")
    assert gateway.requests[0].url.query == b"search=a%2Bb%40example.org&undone=true&limit=3"
    assert gateway.requests[1].url.raw_path == b"/v1/users/shop%2F42%20%C3%BC%25"


def test_a_problem_is_an_exception_with_its_members() -> None:
    with Gateway(httpx.Response(422, json=PROBLEM)).open() as herold, pytest.raises(InvalidRequestError) as raised:
        herold.submit_notification(SUBMISSION)
    error = raised.value
    assert (error.status, error.code, error.request_id) == (422, "invalid", "r-1")
    assert [(one.pointer, one.detail) for one in error.errors] == [("#/user_id", "is missing")]
    assert str(error) == "422 invalid: $.user_id: is missing"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"errors": 3}', b""])
def test_an_answer_of_another_server_is_an_error_too(body: bytes) -> None:
    with Gateway(httpx.Response(502, content=body)).open() as herold, pytest.raises((NotJsonError, ProblemError)):
        herold.get_user("u-42")


def test_an_unavailable_gateway_is_asked_again_with_the_same_key() -> None:
    gateway = Gateway(httpx.ReadTimeout("late"), httpx.Response(503, json={"code": "unavailable"}), accept())
    with gateway.open() as herold:
        assert herold.submit_notification(SUBMISSION).id == "ntf_1"
    keys = [request.headers["idempotency-key"] for request in gateway.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_change_without_a_key_is_not_sent_twice() -> None:
    gateway = Gateway(httpx.ReadTimeout("late"), accept())
    with gateway.open() as herold, pytest.raises(UnreachableError) as raised:
        herold.change_user("u-42", models.UserChange(tier="gold"))
    assert raised.value.is_sent
    assert len(gateway.requests) == 1


def test_what_never_left_is_sent_again() -> None:
    gateway = Gateway(httpx.ConnectError("refused"), httpx.Response(404, json={"code": "not-found"}))
    with gateway.open() as herold, pytest.raises(NotFoundError):
        herold.change_user("u-42", models.UserChange(tier="gold"))
    assert len(gateway.requests) == 2


def test_the_last_failure_is_raised() -> None:
    gateway = Gateway(*[httpx.Response(503, json={"code": "unavailable", "retry_after": 0}) for _ in range(3)])
    with gateway.open() as herold, pytest.raises(UnavailableError):
        herold.get_user("u-42")
    assert len(gateway.requests) == 3


READ_FAILURE, UNSENT = Failure(0), Failure(0, is_sent=False)
DELAYS = [
    ("GET", False, READ_FAILURE, 1, 0.2),
    ("GET", False, READ_FAILURE, 2, 0.4),
    ("GET", False, READ_FAILURE, 3, None),
    ("POST", True, READ_FAILURE, 1, 0.2),
    ("POST", False, READ_FAILURE, 1, None),
    ("POST", False, UNSENT, 1, 0.2),
    ("PUT", False, Failure(429, retry_after=2), 1, 2.2),
    ("PUT", False, Failure(503), 1, None),
    ("POST", True, Failure(503, retry_after=1), 1, 1.2),
    ("GET", False, Failure(503, retry_after=60), 1, None),
    ("GET", False, Failure(500), 1, None),
    ("GET", False, Failure(404), 1, None),
    ("POST", True, Failure(409, retry_after=1), 1, 1.2),
    ("POST", True, Failure(409), 1, None),
    ("POST", False, Failure(409, retry_after=1), 1, None),
]


@pytest.mark.parametrize(("method", "has_key", "failure", "attempt", "delay"), DELAYS)
def test_when_a_request_is_repeated(method: str, has_key: bool, failure: Failure, attempt: int, delay: float | None) -> None:
    found = find_delay(RetryPolicy(), attempt, method, has_key, failure, lambda: 1.0)
    assert found == (None if delay is None else pytest.approx(delay))


def build_pages() -> list[httpx.Response]:
    user = {"id": "u-1", "addresses": {}, "version": 1, "created_at": 1.0, "updated_at": 1.0}
    users = [{**user, "id": f"u-{number}", **DEFAULTS} for number in range(3)]
    return [
        httpx.Response(200, json={"items": users[:2], "next_cursor": "c-2"}),
        httpx.Response(200, json={"items": users[2:], "next_cursor": None}),
    ]


DEFAULTS = {"locale": "", "time_zone": "", "tier": "", "attributes": {}, "quiet_hours": None}


def test_all_items_of_all_pages_are_iterated() -> None:
    gateway = Gateway(*build_pages())
    with gateway.open() as herold:
        assert [user.id for user in herold.iterate_users(search="u-", limit=2)] == ["u-0", "u-1", "u-2"]
    assert [request.url.query for request in gateway.requests] == [b"search=u-&limit=2", b"search=u-&limit=2&cursor=c-2"]


def test_the_asynchronous_client_does_the_same() -> None:
    gateway = Gateway(*build_pages(), httpx.ReadTimeout("late"), accept(), httpx.Response(422, json=PROBLEM))

    async def use() -> tuple[list[str], str]:
        async with await gateway.open_async() as herold:
            ids = [user.id async for user in herold.iterate_users(search="u-", limit=2)]
            accepted = await herold.submit_notification(SUBMISSION)
            with pytest.raises(InvalidRequestError):
                await herold.submit_notification(SUBMISSION)
            return ids, accepted.id

    assert asyncio.run(use()) == (["u-0", "u-1", "u-2"], "ntf_1")
    assert len(gateway.requests) == 5


def test_both_clients_have_the_same_operations() -> None:
    def list_operations(client: type) -> set[str]:
        return {name for name in dir(client) if not name.startswith("_")}

    transport = list_operations(Transport) | list_operations(AsyncTransport)
    assert list_operations(Herold) - transport == list_operations(AsyncHerold) - transport
    assert {"submit_notification", "list_users", "iterate_users", "put_rule"} <= list_operations(Herold)
