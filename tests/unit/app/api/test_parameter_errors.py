"""What the gateway says of parameters that are not valid."""

import pytest

from tests.unit.app.api.harness import GatewayHarness
from tests.unit.app.api.resources.test_notifications import assert_problem


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("GET", "/v1/suppressions?channel=pigeon", "$.channel: must be one of email, sms, push, webhook"),
        ("GET", "/v1/suppressions?undone=maybe", "$.undone: must be true or false"),
        (
            "DELETE",
            "/v1/users/u-1/rate-windows?channel=pigeon",
            "$.channel: must be one of email, sms, push, webhook; $.Herold-Source: must be one of api, cli, import, callback, link",
        ),
        ("DELETE", "/v1/users/u-1", "$.Herold-Source: must be one of api, cli, import, callback, link"),
        ("GET", "/v1/notifications?priority=urgent", "$.priority: must be one of high, medium, low"),
        ("GET", "/v1/analytics/funnel?priority=urgent", "$.priority: must be one of high, medium, low"),
        ("GET", f"/v1/analytics/cohorts?type={'x' * 129}", "$.type: must be a string of at most 128 characters"),
        ("GET", "/v1/users?limit=201", "$.limit: must be an integer of at most 200"),
    ],
)
def test_an_error_names_the_parameter_and_the_possible_values(method: str, path: str, detail: str) -> None:
    with GatewayHarness().build_client() as client:
        assert assert_problem(client.request(method, path, headers={"herold-source": "pigeon"}), 422)["detail"] == detail
