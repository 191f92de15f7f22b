"""A provider that a file describes: the file says how to talk to Twilio, and the simulated Twilio is delivered to."""

from pathlib import Path

import pytest

from agents.providers.http_api import HttpApi, Settings, build_provider
from schemas.enums import Outcome, Reason, Status
from tests.integration.delivery.harness import open_harness, run_simulators
from tests.integration.delivery.test_delivery import build_live_delivery

FILE = """
channel: sms
request:
  url: {url}/2010-04-01/Accounts/AC00000000000000000000000000000017/Messages.json
  basic_auth: {{username: SK00000000000000000000000000000017, password: "${{secret}}"}}
  form:
    To: "{{address}}"
    From: "+15005550006"
    Body: "{{text}}"
    ValidityPeriod: "{{expires_in}}"
    StatusCallback: "https://herold.example.org/callback?delivery={{delivery_id}}"
response:
  accepted: 201
  message_id: sid
  error_code: code
  outcomes:
    - {{status: 400, code: 21211, outcome: REJECTED_RECIPIENT}}
    - {{status: 400, code: 21610, outcome: REJECTED_RECIPIENT, reason: opted_out}}
"""


def build_twilio_by_file(directory: Path, url: str) -> HttpApi:
    file = directory / "twilio.yml"
    file.write_text(FILE.format(url=url))
    return build_provider(Settings(str(file), "secret"))


@pytest.mark.parametrize(
    ("word", "outcomes", "status", "reason"),
    [
        ("", [Outcome.ACCEPTED], Status.SENT, ""),
        ("bounce", [Outcome.REJECTED_RECIPIENT], Status.FAILED, Reason.REJECTED_RECIPIENT),
        ("unsubscribed", [Outcome.REJECTED_RECIPIENT], Status.UNSUBSCRIBED, Reason.OPTED_OUT),
        ("reject", [Outcome.REJECTED_PERMANENT], Status.FAILED, Reason.REJECTED_PERMANENT),
        ("throttle-1", [Outcome.THROTTLED, Outcome.ACCEPTED], Status.SENT, ""),
        ("drop-1", [Outcome.UNKNOWN], Status.PENDING, ""),
    ],
)
async def test_each_answer_is_what_the_file_says(word: str, outcomes: list[Outcome], status: Status, reason: str, tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as simulators:
        provider = build_twilio_by_file(tmp_path, simulators.url)
        async with open_harness("sms", simulators.url, provider=provider) as harness:
            delivery = build_live_delivery("sms", simulators.url, word)
            await harness.run_batches(harness.build_batch(delivery))
            if len(outcomes) > 1:
                await harness.run_retries()
            else:
                await harness.wait_for_batches(1)
            events = [event for event in harness.status_events if event.outcome]
            requested = {entry.delivery_id for entry in simulators.read_entries()}
    assert ([event.outcome for event in events], events[-1].status, events[-1].reason) == (outcomes, status, reason)
    assert {event.provider for event in events} == {"http_api"}
    assert requested == {delivery.id}
    assert bool(events[-1].provider_message_id) is (outcomes[-1] is Outcome.ACCEPTED)
