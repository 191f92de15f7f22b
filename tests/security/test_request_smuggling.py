"""Requests whose end a proxy in front and the gateway could see at different places: each is rejected, and the connection with it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.gateway import AttackedGateway, build_request, list_statuses

SMUGGLED = build_request("GET", "/v1/users/smuggled", "Connection: close")
LAST = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"

AMBIGUOUS = {
    "content-length and chunked": build_request("POST", "/v1/notifications", "Content-Length: 5", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
    "chunked and content-length": build_request("POST", "/v1/notifications", CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n" + SMUGGLED),
    "two content-lengths": build_request("POST", "/v1/notifications", "Content-Length: 0", "Content-Length: 44", body=SMUGGLED),
    "a list of content-lengths": build_request("POST", "/v1/notifications", "Content-Length: 0, 44", body=SMUGGLED),
    "content-length with a sign": build_request("POST", "/v1/notifications", "Content-Length: +0", body=SMUGGLED),
    "content-length in hex": build_request("POST", "/v1/notifications", "Content-Length: 0x0", body=SMUGGLED),
    "content-length beyond 64 bits": build_request("POST", "/v1/notifications", f"Content-Length: {2**64}", body=SMUGGLED),
    "an unknown transfer-encoding": build_request("POST", "/v1/notifications", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunked that is not the last": build_request(
        "POST", "/v1/notifications", "Transfer-Encoding: chunked, x", body=b"0\r\n\r\n" + SMUGGLED
    ),
    "two transfer-encodings": build_request("POST", "/v1/notifications", CHUNKED, "Transfer-Encoding: x", body=b"0\r\n\r\n" + SMUGGLED),
    "a space before the colon": build_request("POST", "/v1/notifications", "Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "a folded header": build_request("POST", "/v1/notifications", "Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "a folded first header": b"GET /healthz HTTP/1.1\r\n Content-Length: 3\r\nHost: gateway\r\n\r\n" + SMUGGLED,
    "a line without a colon": build_request("POST", "/v1/notifications", "Content-Length", body=SMUGGLED),
    "a NUL in a value": build_request("POST", "/v1/notifications", "X: a\0b", "Content-Length: 0", body=SMUGGLED),
    "a NUL in a name": build_request("POST", "/v1/notifications", "X\0: a", "Content-Length: 0", body=SMUGGLED),
    "a bare CR in a value": build_request("POST", "/v1/notifications", "X: a\rContent-Length: 44", "Content-Length: 0", body=SMUGGLED),
    "a chunk size with a sign": build_request("POST", "/v1/notifications", CHUNKED, body=b"-1\r\n\r\n" + SMUGGLED),
    "a chunk size beyond 64 bits": build_request("POST", "/v1/notifications", CHUNKED, body=b"10000000000000000\r\n" + SMUGGLED),
    "a chunk size with 0x": build_request("POST", "/v1/notifications", CHUNKED, body=b"0x0\r\n\r\n" + SMUGGLED),
    "a chunk without its line break": build_request("POST", "/v1/notifications", CHUNKED, body=b"2\r\n{}X0\r\n\r\n" + SMUGGLED),
    "a chunk size that ends with LF": build_request("POST", "/v1/notifications", CHUNKED, body=b"2\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk extension with LF": build_request("POST", "/v1/notifications", CHUNKED, body=b"2;a\n{}\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk that ends with LF": build_request("POST", "/v1/notifications", CHUNKED, body=b"2\r\n{}\n0\r\n\r\n" + SMUGGLED),
    "lines that end with LF": (build_request("POST", "/v1/notifications", "Content-Length: 0").replace(b"\r\n", b"\n") + SMUGGLED),
    "headers that end with LF": build_request("POST", "/v1/notifications", "Content-Length: 0").removesuffix(b"\r\n") + b"\n" + SMUGGLED,
    "a version of its own": SMUGGLED.replace(b"HTTP/1.1", b"HTTP/1.2") + SMUGGLED,
    "no version": SMUGGLED.replace(b" HTTP/1.1", b"") + SMUGGLED,
    "a method of its own": SMUGGLED.replace(b"GET", b"GE\tT") + SMUGGLED,
    "a control character in the path": SMUGGLED.replace(b"smuggled", b"a\x01b") + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
}


def exchange_all(gateway: AttackedGateway, split: Callable[[bytes], Iterable[bytes]]) -> dict[str, bytes]:
    """What each of them gets, all at a time: a rejected connection stays open for a second."""

    def exchange(name: str) -> bytes:
        try:
            return gateway.exchange(*split(AMBIGUOUS[name]))
        except (ConnectionResetError, BrokenPipeError):  # it was closed while more came
            return b""

    with ThreadPoolExecutor(len(AMBIGUOUS)) as threads:
        return dict(zip(AMBIGUOUS, threads.map(exchange, AMBIGUOUS), strict=True))


@pytest.fixture(scope="module")
def received(gateway: AttackedGateway) -> dict[str, bytes]:
    return exchange_all(gateway, lambda data: [data])


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_ends_its_connection(received: dict[str, bytes], name: str) -> None:
    assert list_statuses(received[name]) == [400], received[name]
    assert b"smuggled" not in received[name]


def test_so_it_does_when_its_bytes_come_one_by_one(gateway: AttackedGateway) -> None:
    found = exchange_all(gateway, lambda data: [data[index : index + 1] for index in range(len(data))])
    assert {name: data for name, data in found.items() if list_statuses(data) not in ([400], [])} == {}


def test_a_chunk_extension_is_ignored(gateway: AttackedGateway) -> None:
    request = build_request("POST", "/v1/notifications", CHUNKED, LAST, body=b'2;a=b;c="d"\r\n{}\r\n0\r\n\r\n')
    assert list_statuses(gateway.exchange(request)) == [422]


@pytest.mark.parametrize("extension", [b";" + b"a" * 100_000, b";a=" + b'"' + b"b" * 100_000 + b'"'])
def test_chunk_extensions_have_a_limit(gateway: AttackedGateway, extension: bytes) -> None:
    body = b"".join(b"1" + extension + b"\r\n{\r\n" for _ in range(200)) + b"0\r\n\r\n"
    try:
        received = gateway.exchange(build_request("POST", "/v1/notifications", CHUNKED, LAST, body=body))
    except (ConnectionResetError, BrokenPipeError):
        return
    assert list_statuses(received)[0] in (400, 413, 431)


def test_trailers_do_not_become_headers(gateway: AttackedGateway) -> None:
    body = b"2\r\n{}\r\n0\r\nX-API-Key: wrong\r\nContent-Length: 5\r\n\r\n"
    assert list_statuses(gateway.exchange(build_request("POST", "/v1/notifications", CHUNKED, LAST, body=body)))[0] in (400, 422)
    without_key = build_request("POST", "/v1/notifications", CHUNKED, LAST).replace(b"X-API-Key: ", b"X-Other: ")
    stolen = without_key + b"2\r\n{}\r\n0\r\nX-API-Key: attack-me-" + b"k" * 32 + b"\r\n\r\n"
    assert list_statuses(gateway.exchange(stolen))[0] == 401


def test_two_requests_that_are_clear_are_two(gateway: AttackedGateway) -> None:
    first = build_request("GET", "/healthz")
    assert list_statuses(gateway.exchange(first + SMUGGLED)) == [200, 404]


def test_the_gateway_is_well(gateway: AttackedGateway) -> None:
    assert gateway.is_alive()
    assert "Traceback" not in gateway.read_log()
