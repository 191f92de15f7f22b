"""The limits of contents agree with the simulators: a request at the limit is taken, and one beyond it is rejected."""

import pytest

from dev.simulators.fcm import FcmSimulator
from dev.simulators.protocol import ProviderSimulator, ServerRequest, ValidRequest
from dev.simulators.sendgrid import SendGridSimulator
from dev.simulators.twilio import TwilioSimulator
from schemas.channels import get_channel
from schemas.content import Content, EmailContent, PushContent, SmsContent
from schemas.http import HttpRequest
from schemas.push_options import PushOptions
from tests.contracts.providers.provider_cases import PROVIDER_CASES
from tests.delivery_builders import NOW, build_delivery

EVERY_OPTION = PushOptions("k" * 64, "normal", "low", "default", 0, "orders", "OPEN", "ORDER", "passive", True)
SIMULATORS: dict[str, ProviderSimulator] = {"twilio": TwilioSimulator(), "fcm": FcmSimulator(), "sendgrid": SendGridSimulator()}


def is_taken(provider: str, address: str, content: Content) -> bool:
    case = PROVIDER_CASES[provider].provider
    request = case.build_request(build_delivery(case.channel, address=address, content=content), 0, NOW)
    assert isinstance(request, HttpRequest)
    line, *lines = request.head.split(b"\r\n\r\n")[0].split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (text.partition(b": ") for text in lines)}
    parsed = SIMULATORS[provider].parse_request(ServerRequest(b"POST", line.split()[1], b"", headers, request.body))
    return isinstance(parsed, ValidRequest)


@pytest.mark.parametrize(
    ("provider", "address", "contents"),
    [
        ("twilio", "+4366012345678", [SmsContent("x" * count) for count in (0, 1, 1600, 1601)]),
        ("twilio", "+4366012345678", [SmsContent("\U0001f600" * count) for count in (800, 801)]),
        ("fcm", "device", [PushContent('"t"\n', "b" * count) for count in range(4000, 4100)]),
        ("fcm", "topic:news", [PushContent("t", "é" * count) for count in range(950, 1050)]),
        ("fcm", "device", [PushContent("t", "b" * count, image="https://a.b/c", link="app://x") for count in range(3960, 4060)]),
        ("fcm", "device", [PushContent("t", "b", {key: "v"}, "https://a.b/c", "app://x", EVERY_OPTION) for key in ("k", "from")]),
        ("fcm", "fid:fHm9", [PushContent("t", "b", {"key": "b" * count}) for count in (3900, 4100)]),
        ("sendgrid", "a@example.org", [EmailContent("", "", template_id="d-" + "1" * 32, data={"a": 1}), EmailContent("", "")]),
        ("fcm", "device", [PushContent("t", "b", {key: "1"}) for key in ("from", "gcm", "gcm.a", "google.a", "message_type", "other")]),
    ],
)
def test_what_is_checked_is_what_is_rejected(provider: str, address: str, contents: list[Content]) -> None:
    find_problem = get_channel(PROVIDER_CASES[provider].provider.channel).find_problem
    assert find_problem is not None
    verdicts = [find_problem(content, [address]) is None for content in contents]
    assert verdicts == [is_taken(provider, address, content) for content in contents]
    assert {True, False} == set(verdicts)
