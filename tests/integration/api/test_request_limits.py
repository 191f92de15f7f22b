"""The limits of addresses at running gateways: behind a proxy, in two processes, and without Redis."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import read_start_error, run_gateway, wait_until_listening

LIMIT = {"HEROLD_LIMITS_IP_PER_SECOND": "0.01", "HEROLD_LIMITS_IP_BURST": "4", "HEROLD_GATEWAY_API_KEY": API_KEY}


@contextmanager
def open_gateway(**variables: str) -> Iterator[httpx.Client]:
    with run_gateway(**LIMIT, **variables) as (process, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_until_listening(process, port)
        yield client


def count_admitted(client: httpx.Client, requests: int, claimed: str = "") -> int:
    headers = {"x-forwarded-for": claimed} if claimed else {}
    statuses = [client.get("/docs", headers=headers).status_code for _ in range(requests)]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


def test_an_address_that_a_client_names_itself_counts_nothing() -> None:
    with open_gateway() as client:
        assert [count_admitted(client, 3, f"203.0.113.{number}") for number in range(3)] == [3, 1, 0]


def test_a_trusted_proxy_names_its_clients_and_what_they_claim_counts_nothing() -> None:
    with open_gateway(HEROLD_GATEWAY_TRUSTED_PROXIES="127.0.0.1, 198.51.100.0/24") as client:
        assert count_admitted(client, 6, "203.0.113.1") == 4
        assert count_admitted(client, 6, "203.0.113.2, 198.51.100.7") == 4
        assert count_admitted(client, 1, "192.0.2.99, 203.0.113.2") == 0  # the first one is what the client has sent itself
        assert count_admitted(client, 1, "203.0.113.3") == 1


def test_a_name_is_no_proxy() -> None:
    with run_gateway(**LIMIT, HEROLD_GATEWAY_TRUSTED_PROXIES="*") as (process, _):
        assert "gateway.trusted_proxies" in read_start_error(process)


def test_two_gateways_share_the_quota_of_an_address(redis_url: str, prefix: str) -> None:
    shared = {"REDIS_URL": redis_url, "HEROLD_KAFKA_TOPIC_PREFIX": prefix}
    with ExitStack() as stack:
        clients = [stack.enter_context(open_gateway(**shared)) for _ in range(2)]
        admitted = 0
        for client in clients * 10:
            response = client.get("/docs")
            admitted += response.status_code == 200
            if response.status_code == 429:
                assert response.headers["ratelimit-policy"] == '"ip";q=4;w=400'
        # each may admit what it does not know to be used yet: in the moment before its own requests are charged
        assert 4 <= admitted <= 8


@pytest.mark.parametrize("burst", ["0", "-1", "many"])
def test_a_burst_that_is_none_names_the_setting(burst: str) -> None:
    with run_gateway(**{**LIMIT, "HEROLD_LIMITS_IP_BURST": burst}) as (process, _):
        assert "limits.ip_burst" in read_start_error(process)
