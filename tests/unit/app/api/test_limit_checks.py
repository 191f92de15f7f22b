"""The limits of requests as clients see them: 429, Retry-After, RateLimit headers; and who is not shut out."""

from typing import Any

import pytest

from app.api.gateway_limits import check_trusted_proxies
from app.api.limit_checks import LimitChecks
from app.api.services.request_limits import RequestLimits
from schemas.errors import SettingError
from tables.process_rate_limiter import ProcessRateLimiter
from tests.unit.app.api.harness import API_KEY, GatewayHarness
from tests.unit.app.api.resources.test_callbacks import KEYS
from tests.unit.app.api.services.test_request_limits import build_section

URL = "/v1/notifications"
SUBMISSION = {"user_id": "anna@example.org", "type": "order.shipped", "to": {"email": "anna@example.org"}}


def build_client(**section: Any) -> Any:
    """A client of a gateway whose time stands still."""
    harness = GatewayHarness(callback_keys=KEYS)
    limiter = ProcessRateLimiter(harness.get_time)
    harness.limits = LimitChecks(RequestLimits(build_section(**section), limiter, harness.get_time), harness.get_time)
    return harness.build_client()


def test_a_key_over_its_limit_gets_429_with_the_time_to_wait() -> None:
    with build_client(key_per_second=0.1, key_burst=2) as client:
        first, second, third = (client.post(URL, json=SUBMISSION) for _ in range(3))
    assert (first.status_code, second.status_code, third.status_code) == (202, 202, 429)
    assert (first.headers["ratelimit-policy"], first.headers["ratelimit"]) == ('"key";q=2;w=20', '"key";r=1;t=10')
    assert third.headers["ratelimit"] == '"key";r=0;t=10'
    assert third.headers["retry-after"] == "10"
    assert third.headers["content-type"] == "application/problem+json"
    problem = third.json()
    assert (problem["type"], problem["retry_after"]) == ("/docs#rate-limited", 10)
    assert problem["detail"] == "the API key has made too many requests: try again in 10 s"


def test_every_route_has_the_limit_but_those_of_load_balancers() -> None:
    with build_client(ip_per_second=0.1, ip_burst=1, key_per_second=0.1, key_burst=1) as client:
        assert client.get("/healthz").headers.get("ratelimit") is None
        assert client.get("/docs").headers["ratelimit"] == '"key";r=0;t=10'
        assert [client.get(path).status_code for path in (URL, "/docs", "/no/such/path")] == [429, 429, 429]
        assert 429 not in [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")]


def test_without_a_limit_no_header_is_sent() -> None:
    with build_client() as client:
        assert "ratelimit" not in client.post(URL, json=SUBMISSION).headers


def test_each_notification_of_a_bulk_counts() -> None:
    with build_client(key_per_second=0.1, key_burst=10) as client:
        assert client.post(f"{URL}/bulk", json=[SUBMISSION] * 10).status_code == 202
        assert client.post(URL, json=SUBMISSION).status_code == 429


def test_each_event_of_a_batch_counts() -> None:
    event = {"specversion": "1.0", "source": "/shop", "type": "order.shipped", "subject": "anna", "data": {"order": 1}}
    with build_client(key_per_second=0.1, key_burst=10) as client:
        events, headers = [{**event, "id": str(number)} for number in range(10)], {"content-type": "application/cloudevents-batch+json"}
        assert client.post(URL, json=events, headers=headers).status_code == 202
        assert client.post(URL, json=SUBMISSION).status_code == 429


def test_wrong_credentials_are_429_after_a_while_and_valid_ones_are_not() -> None:
    with build_client(rejected_per_second=0.01, rejected_burst=3) as client:
        assert client.post(URL, json=SUBMISSION).status_code == 202
        wrong = [client.post(URL, json=SUBMISSION, headers={"authorization": f"Bearer wrong-{n}"}) for n in range(8)]
        assert [response.status_code for response in wrong[:3]] == [401, 401, 401]
        assert wrong[-1].status_code == 429
        assert int(wrong[-1].headers["retry-after"]) > 1
        assert client.post(URL, json=SUBMISSION).status_code == 202
        assert client.get("/healthz", headers={"authorization": ""}).status_code == 200


def test_forged_callbacks_are_429_after_a_while_and_their_bodies_are_not_read() -> None:
    headers = {"x-twilio-signature": "forged", "authorization": ""}
    with build_client(rejected_per_second=0.01, rejected_burst=3) as client:
        statuses = [client.post("/v1/callbacks/twilio", content=b"MessageSid=SM1", headers=headers).status_code for _ in range(8)]
    assert statuses[0] == 403
    assert statuses[-1] == 429


def test_a_valid_key_that_was_not_seen_before_waits_with_the_others_of_its_address() -> None:
    with build_client(rejected_per_second=0.01, rejected_burst=2) as client:
        for number in range(6):
            client.post(URL, json=SUBMISSION, headers={"authorization": f"Bearer wrong-{number}"})
        assert client.post(URL, json=SUBMISSION, headers={"authorization": "", "x-api-key": API_KEY}).status_code == 429


@pytest.mark.parametrize("text", ["", "10.0.0.0/8", "127.0.0.1, 2001:db8::/32", " 192.0.2.7 ,"])
def test_proxies_are_addresses_and_networks(text: str) -> None:
    check_trusted_proxies(text)


@pytest.mark.parametrize("text", ["*", "proxy.example.org", "10.0.0.1/8", "10.0.0.0/33"])
def test_other_proxies_name_the_setting(text: str) -> None:
    with pytest.raises(SettingError, match=r"gateway\.trusted_proxies"):
        check_trusted_proxies(text)
