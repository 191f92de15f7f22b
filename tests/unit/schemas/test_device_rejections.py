"""Which devices are removed: tokens that are gone at once, tokens in doubt with the second delivery, and no others."""

from msgspec.structs import replace

from schemas.device_rejections import StoredDevice, judge_devices, list_rejections
from schemas.enums import Outcome, Reason, Status
from schemas.events import StatusEvent
from schemas.ids import derive_delivery_id, make_id

NOW = 1_760_000_000.0
DEVICE = StoredDevice("u-1", "token-1", "fcm", "android", NOW - 60, "")
OTHERS = [replace(DEVICE, token="token-2"), replace(DEVICE, user_id="u-2")]


def build_event(reason: str, address: str = "token-1", number: int = 1, at: float = NOW) -> StatusEvent:
    notification_id = make_id("ntf_", NOW - 1, number)
    delivery_id = derive_delivery_id(notification_id, "u-1", "push", address)
    outcome = Outcome.REJECTED_RECIPIENT
    return StatusEvent(delivery_id, notification_id, "u-1", "push", Status.FAILED, at, NOW - 1, outcome=outcome, reason=reason)


def judge(*events: StatusEvent, device: StoredDevice = DEVICE) -> tuple[list[StoredDevice], list[StoredDevice]]:
    verdicts = judge_devices(events, [*OTHERS, device])
    return [one.device for one in verdicts.removed], [one.device for one in verdicts.doubted]


def test_a_token_that_is_gone_or_of_another_project_is_removed_at_once() -> None:
    for reason in (Reason.UNREGISTERED_TOKEN, Reason.SENDER_ID_MISMATCH):
        assert judge(build_event(reason)) == ([DEVICE], [])


def test_a_token_in_doubt_is_removed_by_the_second_delivery() -> None:
    first, second = build_event(Reason.INVALID_TOKEN), build_event(Reason.INVALID_TOKEN, number=2)
    assert judge(first) == ([], [DEVICE])
    doubted = replace(DEVICE, rejected_delivery_id=first.delivery_id)
    assert judge(first, device=doubted) == ([], []), "the same event, read again"
    assert judge(second, device=doubted) == ([doubted], [])
    assert judge(first, second) == ([DEVICE], []), "both in one batch"
    assert judge(first, replace(first, attempt=1)) == ([], [DEVICE]), "two attempts of one delivery"


def test_a_device_that_was_registered_since_stays() -> None:
    assert judge(build_event(Reason.UNREGISTERED_TOKEN, at=NOW - 60)) == ([], [])
    assert judge(build_event(Reason.UNREGISTERED_TOKEN, at=NOW - 59)) == ([DEVICE], [])


def test_an_address_that_is_no_device_removes_nothing() -> None:
    assert judge(build_event(Reason.UNREGISTERED_TOKEN, "topic:news")) == ([], [])
    assert judge(build_event(Reason.UNREGISTERED_TOKEN, "fid:token-1")) == ([], [])


def test_an_installation_is_found_by_its_kind() -> None:
    installation = replace(DEVICE, kind="fid")
    assert judge(build_event(Reason.UNREGISTERED_TOKEN, "fid:token-1"), device=installation) == ([installation], [])


def test_a_stored_token_is_compared_in_normal_form() -> None:
    unusual = replace(DEVICE, token="token-1\u200b ")
    assert judge(build_event(Reason.UNREGISTERED_TOKEN), device=unusual) == ([unusual], [])


def test_only_what_is_about_the_token_is_a_rejection() -> None:
    reasons = [Reason.REJECTED_PERMANENT, Reason.REJECTED_RECIPIENT, Reason.MISCONFIGURED, Reason.EXPIRED, ""]
    assert list_rejections(map(build_event, reasons)) == []
    assert len(list_rejections(map(build_event, [Reason.INVALID_TOKEN, Reason.UNREGISTERED_TOKEN]))) == 2
