"""Which statuses are reported to which endpoint, and that a report has the same id whatever leads to it."""

from typing import Any

import msgspec
import pytest

from agents.recorder.status_webhooks import build_report, is_final, is_wanted, list_touched
from schemas.channels import ChannelName
from schemas.content import WebhookContent
from schemas.enums import Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, make_id
from schemas.status_webhooks import ReportedDelivery, StatusEndpoint, StatusReport
from schemas.webhook_endpoints import MESSAGE_PREFIX
from tests.event_builders import NOW, build_decided_event, build_decided_row, build_receipt, build_status_event

ENDPOINT = StatusEndpoint("whe_" + "1" * 32, "https://shop.example.org/statuses")


def build_reported(**changes: Any) -> ReportedDelivery:
    delivery_id, notification_id = make_id(DELIVERY_PREFIX, NOW, 1), make_id(NOTIFICATION_PREFIX, NOW, 1)
    reported = ReportedDelivery(
        delivery_id,
        notification_id,
        "u-1",
        "email",
        Status.FAILED,
        "expired",
        "sendgrid",
        0,
        2,
        NOW + 5,
        "order.shipped",
        "transactional",
        "low",
    )
    return msgspec.structs.replace(reported, **changes)


def test_deliveries_are_listed_once_without_reports_themselves() -> None:
    sent, receipt = build_status_event(1), build_receipt(1)
    pending = build_status_event(2, status=Status.PENDING)
    to_endpoint = build_status_event(3, "webhook", endpoint_id=ENDPOINT.id)
    report = build_status_event(4, "webhook", endpoint_id=ENDPOINT.id, notification_id=make_id(MESSAGE_PREFIX, NOW, 4))
    decided = build_decided_row(build_decided_event(5, "email"))
    touched = list_touched([None, decided, sent, receipt, pending, to_endpoint, report])
    assert touched == [sent.delivery_id, pending.delivery_id, to_endpoint.delivery_id], "a receipt may be merged with a pending one"
    assert list_touched([build_receipt(6)]) == [build_receipt(6).delivery_id]


@pytest.mark.parametrize(
    ("status", "channel", "final"),
    [
        (Status.SENT, "push", True),
        (Status.PENDING, "push", False),
        (Status.SENT, "email", False),
        (Status.DELIVERED, "email", True),
        (Status.FAILED, "sms", True),
        (Status.BOUNCED, "email", True),
        (Status.UNSUBSCRIBED, "email", True),
    ],
)
def test_sent_is_final_only_on_a_channel_without_receipts(status: Status, channel: ChannelName, final: bool) -> None:
    assert is_final(build_reported(status=status, channel=channel), ["push", "webhook"]) is final


@pytest.mark.parametrize(
    ("filters", "changes", "final", "wanted"),
    [
        ({}, {}, True, True),
        ({}, {"status": Status.SENT}, False, False),
        ({"statuses": ["SENT"]}, {"status": Status.SENT}, False, True),
        ({"statuses": ["SENT"]}, {}, True, False),
        ({"types": ["order.*"]}, {}, True, True),
        ({"types": ["invoice.*"]}, {}, True, False),
        ({"types": ["order.*"]}, {"type": ""}, True, False),
        ({"categories": ["transactional", "security"]}, {}, True, True),
        ({"categories": ["security"]}, {}, True, False),
        ({"categories": ["transactional"], "types": ["order.*"], "statuses": ["FAILED"]}, {}, True, True),
    ],
)
def test_all_filters_must_take_it(filters: dict[str, list[str]], changes: dict[str, Any], final: bool, wanted: bool) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, **filters)
    assert is_wanted(endpoint, build_reported(**changes), final) is wanted


def test_a_report_is_a_webhook_of_its_endpoint_and_no_message_of_the_notification() -> None:
    reported = build_reported()
    delivery = build_report(ENDPOINT, reported, True)
    assert is_id(delivery.id, DELIVERY_PREFIX)
    assert is_id(delivery.notification_id, MESSAGE_PREFIX)
    assert (delivery.address, delivery.endpoint_id, delivery.user_id, delivery.consent) == (ENDPOINT.url, ENDPOINT.id, "u-1", "")
    assert (delivery.created_at, delivery.expires_at) == (NOW + 5, NOW + 5 + 86_400)
    assert isinstance(delivery.content, WebhookContent)
    assert delivery.content.type == "herold.delivery_status"
    report = msgspec.convert(delivery.content.data, StatusReport)
    assert (report.delivery_id, report.status, report.notification_type, report.is_final) == (
        reported.delivery_id,
        Status.FAILED,
        "order.shipped",
        True,
    )


def test_the_id_of_a_report_follows_from_endpoint_delivery_and_status() -> None:
    def build_id(endpoint: StatusEndpoint = ENDPOINT, **changes: Any) -> str:
        return build_report(endpoint, build_reported(**changes), True).id

    first = build_id()
    assert build_id(occurred_at=NOW + 9, reason="other") == first, "a replay, or a second event with the same status"
    others = [
        build_id(msgspec.structs.replace(ENDPOINT, id="whe_" + "2" * 32)),
        build_id(status=Status.DELIVERED),
        build_id(attempt=3),
        build_id(redrive_count=1),
        build_id(delivery_id=make_id(DELIVERY_PREFIX, NOW, 2)),
    ]
    assert len({first, *others}) == 6


@pytest.mark.parametrize(
    ("project", "user_id", "wanted"),
    [
        (None, "u-1", True),
        (None, "@acme/u-1", True),
        ("", "u-1", True),
        ("", "@acme/u-1", False),
        ("acme", "@acme/u-1", True),
        ("acme", "@acme2/u-1", False),
        ("acme", "u-1", False),
    ],
)
def test_an_endpoint_takes_the_statuses_of_its_project_only(project: str | None, user_id: str, wanted: bool) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, project=project)
    assert is_wanted(endpoint, build_reported(user_id=user_id), final=True) is wanted


@pytest.mark.parametrize("endpoint_is_test", [True, False])
@pytest.mark.parametrize("is_test", [True, False])
def test_statuses_of_tests_go_to_endpoints_for_tests_and_all_others_to_the_others(endpoint_is_test: bool, is_test: bool) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, is_test=endpoint_is_test)
    assert is_wanted(endpoint, build_reported(is_test=is_test), final=True) is (endpoint_is_test is is_test)


def test_a_project_reads_its_ids_as_it_knows_them() -> None:
    reported = build_reported(user_id="@acme/u-1", type="@acme/order.shipped")
    endpoint = msgspec.structs.replace(ENDPOINT, project="acme", types=["@acme/order.*"])
    assert is_wanted(endpoint, reported, final=True)
    report = build_report(endpoint, reported, final=True)
    assert isinstance(report.content, WebhookContent)
    assert (report.content.data["user_id"], report.content.data["notification_type"]) == ("u-1", "order.shipped")
    assert report.user_id == "@acme/u-1"
