"""`python -m app.api` as a process."""

import signal

import httpx
import pytest

from tests.integration.api.gateway_client import API_KEY
from tests.integration.api.gateway_process import WAIT, read_start_error, run_gateway, wait_until_listening


def test_it_serves_without_any_server_and_stops_on_sigterm() -> None:
    with run_gateway(HEROLD_GATEWAY_API_KEY=API_KEY) as (process, port):
        wait_until_listening(process, port)
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/healthz", timeout=60).json() == {"status": "alive"}
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 503
        body = {"user_id": "u", "type": "t"}
        assert httpx.post(f"{url}/v1/notifications", json=body, headers={"x-api-key": API_KEY}, timeout=60).status_code == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) in (0, -signal.SIGTERM)


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"HEROLD_GATEWAY_API_KEY_OUTAGE_LIMIT": "-1"}, "gateway.api_key_outage_limit"),
        ({"HEROLD_GATEWAY_PORT": "many"}, "gateway.port"),
        ({"HEROLD_GATEWAY_API_KEY": API_KEY, "HEROLD_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "kafka.security.username"),
    ],
)
def test_a_missing_or_invalid_setting_is_a_start_error(variables: dict[str, str], key: str) -> None:
    with run_gateway(**variables) as (process, _):
        errors = read_start_error(process)
    assert errors.startswith("error: ")
    assert key in errors
