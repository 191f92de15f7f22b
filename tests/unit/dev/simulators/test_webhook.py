import pytest

from dev.simulators.webhook import WebhookSimulator
from tests.unit.dev.simulators.request_builders import DELIVERY_ID, build_webhook_request, get_response, get_targets

SIMULATOR = WebhookSimulator()


def test_a_webhook_is_accepted() -> None:
    assert get_response(SIMULATOR, build_webhook_request()).status == 204
    assert get_targets(SIMULATOR, build_webhook_request()) == [(DELIVERY_ID, "http://127.0.0.1:4010/hooks/u-1?a=b")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/hooks/", 204),
        (b"/hooks/u-1/fail", 204),
        (b"/hooks/bounce/u-1", 410),
        (b"/hooks/unsubscribed", 410),
        (b"/hooks/reject/u-1", 400),
        (b"/hooks/throttle/u-1", 429),
        (b"/hooks/fail", 500),
    ],
)
def test_stub_responses(path: bytes, status: int) -> None:
    assert get_response(SIMULATOR, build_webhook_request(path)).status == status


def test_a_throttled_response_has_retry_after() -> None:
    assert get_response(SIMULATOR, build_webhook_request(b"/hooks/throttle")).headers == b"Retry-After: 1\r\n"


def test_another_method_gets_405_and_an_oversize_body_413() -> None:
    assert get_response(SIMULATOR, build_webhook_request(method=b"GET")).status == 405
    assert get_response(SIMULATOR, build_webhook_request()._replace(oversize=True)).status == 413
