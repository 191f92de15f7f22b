"""Bodies that are small for a sender and large for a reader: compressed, deep, wide, long numbers and names."""

import gzip
import zlib
from typing import Any

import httpx
import pytest

from tests.security.gateway import AttackedGateway

MEBIBYTE = 1024 * 1024
ZEROS = b" " * (64 * MEBIBYTE)
BOMBS = {
    "deep arrays": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep and closed": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a long number": b'{"data":{"n":' + b"9" * 1_000_000 + b"}}",
    "a large exponent": b'{"send_at":1e999999999}',
    "a long name": b'{"' + b"a" * (4 * MEBIBYTE) + b'":1}',
    "many names": b"{" + b",".join(b'"n%d":1' % number for number in range(200_000)) + b"}",
    "one name often": b"{" + b",".join([b'"user_id":"u"'] * 200_000) + b"}",
    "many items": b"[" + b",".join([b"{}"] * 1_000_000) + b"]",
    "escapes": b'{"user_id":"' + b"\\u0041" * 500_000 + b'"}',
    "half surrogates": b'{"user_id":"\\ud800","type":"x"}',
    "no UTF-8": b'{"user_id":"\xff\xfe"}',
    "UTF-16": '{"user_id":"u"}'.encode("utf-16"),
    "NUL": b"\0" * 1000,
    "nothing": b"",
    "not a number": b'{"user_id":NaN}',
}
COMPRESSED = {
    "gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "gzip, gzip": gzip.compress(gzip.compress(ZEROS)),
    "br": b"\x8b",
    "zstd": b"(\xb5/\xfd",
}


def list_bodied(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The method and a path of each operation that takes a body."""
    return [
        (method.upper(), path.replace("{channel}/{window_seconds}", "email/60").replace("{", "").replace("}", ""))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    ]


@pytest.fixture(scope="session")
def bodied(gateway: AttackedGateway) -> list[tuple[str, str]]:
    with gateway.open() as client:
        return list_bodied(client.get("/openapi.json").json())


@pytest.mark.parametrize("name", BOMBS)
def test_no_route_chokes_on_a_body(gateway: AttackedGateway, bodied: list[tuple[str, str]], name: str) -> None:
    assert len(bodied) > 20
    with gateway.open() as client:
        headers = {"content-type": "application/json", "if-match": "*"}
        answers = {f"{method} {path}": client.request(method, path, content=BOMBS[name], headers=headers) for method, path in bodied}
    allowed = {400, 403, 404, 409, 413, 422, 428} | ({200} if name == "nothing" else set())  # a body may be optional
    assert {route: answer.status_code for route, answer in answers.items() if answer.status_code not in allowed} == {}
    assert max(len(answer.content) for answer in answers.values()) < 20_000, "what was sent comes back, and is logged"
    assert gateway.is_alive()


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_no_body_is_decompressed(gateway: AttackedGateway, bodied: list[tuple[str, str]], encoding: str) -> None:
    """A reader that decompressed them would find blanks, and call the body empty or too large."""
    headers = {"content-type": "application/json", "content-encoding": encoding, "if-match": "*"}
    with gateway.open() as client:
        answers = [client.request(method, path, content=COMPRESSED[encoding], headers=headers) for method, path in bodied]
    assert {answer.status_code for answer in answers} <= {400, 403, 404, 409, 413, 415, 422}
    assert gateway.is_alive()


def test_a_body_that_says_to_be_larger_than_the_limit_is_not_read(gateway: AttackedGateway) -> None:
    with gateway.open() as client:
        answer = client.post("/v1/notifications/bulk", content=b" " * (9 * MEBIBYTE))
    assert answer.status_code == 413


def test_a_body_in_chunks_that_gets_larger_than_the_limit_is_cut(gateway: AttackedGateway) -> None:
    with gateway.open() as client:
        for path in ("/v1/notifications", "/v1/notifications/bulk", "/v1/suppressions"):
            try:
                assert client.post(path, content=(b" " * MEBIBYTE for _ in range(40))).status_code == 413
            except (httpx.WriteError, httpx.ReadError):  # the connection was closed while the client still sent
                continue
    assert gateway.is_alive()


@pytest.mark.parametrize("path", ["sendgrid", "twilio", "twilio/inbound", "fcm/ack"])
@pytest.mark.parametrize("name", BOMBS)
def test_nobody_without_a_signature_has_a_body_read(gateway: AttackedGateway, path: str, name: str) -> None:
    with gateway.open("") as client:
        assert client.post(f"/v1/callbacks/{path}", content=BOMBS[name]).status_code in (400, 403, 413, 422)


@pytest.mark.parametrize("count", [1000, 7000])
def test_many_headers_and_parameters_have_a_limit(gateway: AttackedGateway, count: int) -> None:
    with gateway.open() as client:
        query = "&".join(f"a{number}=1" for number in range(count))
        assert client.get(f"/v1/users?{query}").status_code in (200, 400, 422, 431)
        headers = [("x-" + str(number), "1") for number in range(count)]
        assert client.get("/v1/users", headers=headers).status_code in (200, 400, 431)
    assert gateway.is_alive()
