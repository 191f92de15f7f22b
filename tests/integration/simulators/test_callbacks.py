"""Callbacks of the simulators' process: signed so that the vendors' own verifiers accept them, and in the way that a script says."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from agents.providers.http import PooledHttpClient
from dev.stack.signing_key import ensure_signing_key
from schemas.http import HttpRequest, HttpResponse
from tests.cluster import wait_until
from tests.integration.simulators.callback_receiver import CallbackReceiver, ReceivedCallback
from tests.integration.simulators.simulator_process import (
    SimulatorProcess,
    build_mail_request,
    build_push_request,
    build_sms_request,
    send_all,
)

AUTH_TOKEN = "f" * 32
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
HOUR = 3600


class CallbackHarness:
    """Simulators that report to a receiver, with the vendors' verifiers."""

    def __init__(self, simulators: SimulatorProcess, receiver: CallbackReceiver, public_key: str) -> None:
        self.simulators, self.receiver = simulators, receiver
        self._event_webhook, self._validator = EventWebhook(public_key), RequestValidator(AUTH_TOKEN)

    async def fetch_final_counts(self) -> dict[str, int]:
        """The counts once nothing is outstanding: a try is counted after the receiver has answered."""

        async def is_idle() -> bool:
            return bool(self.simulators.fetch("/callbacks/counts")["outstanding"] == 0)

        await wait_until(is_idle, 60, "no callback is outstanding")
        return dict(self.simulators.fetch("/callbacks/counts"))

    def is_sendgrid_signature_valid(self, callback: ReceivedCallback, **changes: str) -> bool:
        """What SendGrid's library says about the callback with these changes."""
        parts = {"payload": callback.body.decode(), "signature": callback.headers[SIGNATURE], "timestamp": callback.headers[TIMESTAMP]}
        return bool(self._event_webhook.verify_signature(**{**parts, **changes}))

    def is_twilio_signature_valid(self, callback: ReceivedCallback, **changes: str) -> bool:
        """What Twilio's library says about the callback with these parameters changed."""
        url = self.receiver.origin + callback.path
        return bool(self._validator.validate(url, {**callback.form, **changes}, callback.headers["x-twilio-signature"]))


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    receiver = CallbackReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def harness(tmp_path: Path, receiver: CallbackReceiver, start_simulators: Callable[..., SimulatorProcess]) -> CallbackHarness:
    public_key = ensure_signing_key(tmp_path / "key.pem")
    arguments = ("--callbacks-url", receiver.origin, "--signing-key", str(tmp_path / "key.pem"), "--callback-delay", "0.2")
    return CallbackHarness(
        start_simulators(arguments=arguments, env={"HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN": AUTH_TOKEN}), receiver, public_key
    )


async def send_mail(harness: CallbackHarness, client: PooledHttpClient, to: str, **fields: Any) -> str:
    """Send a mail; return its X-Message-Id."""
    (result,) = await send_all(client, build_mail_request(harness.simulators.origin, to, "dlv_1", **fields))
    assert isinstance(result, HttpResponse)
    assert result.status_code == 202
    return result.headers[b"x-message-id"].decode()


async def send_sms(harness: CallbackHarness, client: PooledHttpClient, to: str, fragment: str = "", **fields: str) -> dict[str, Any]:
    """Send a text message with a callback; return Twilio's answer."""
    callback = f"{harness.receiver.origin}/twilio?delivery=dlv_1&attempt=0{fragment}"
    (result,) = await send_all(client, build_sms_request(harness.simulators.origin, to, StatusCallback=callback, **fields))
    assert isinstance(result, HttpResponse)
    return dict(msgspec.json.decode(result.body))


def test_without_a_target_nothing_is_posted(simulators: SimulatorProcess) -> None:
    assert simulators.fetch("/callbacks/counts") == {"outstanding": 0}


class TestSendGrid:
    async def test_an_accepted_mail_is_processed_and_delivered(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        message_id = await send_mail(harness, client, "a@example.org")
        processed, delivered = harness.receiver.get_events(2)
        assert (processed["event"], delivered["event"], delivered["response"]) == ("processed", "delivered", "250 2.0.0 OK")
        for event in (processed, delivered):
            assert (event["email"], event["delivery_id"]) == ("a@example.org", "dlv_1")
            assert event["sg_message_id"].partition(".")[0] == message_id
            assert message_id in event["smtp-id"]
            assert re.fullmatch("[A-Za-z0-9_-]{20,100}", event["sg_event_id"])
        assert processed["sg_event_id"] != delivered["sg_event_id"]

    async def test_the_vendors_verifier_accepts_the_post_and_rejects_each_change(
        self, harness: CallbackHarness, client: PooledHttpClient
    ) -> None:
        await send_mail(harness, client, "a@example.org")
        callback = harness.receiver.get()
        assert callback.body.endswith(b"]\r\n")
        assert harness.is_sendgrid_signature_valid(callback)
        payload, timestamp = callback.body.decode(), callback.headers[TIMESTAMP]
        for position in range(len(payload)):
            changed = payload[:position] + chr(ord(payload[position]) ^ 1) + payload[position + 1 :]
            assert not harness.is_sendgrid_signature_valid(callback, payload=changed)
        assert not harness.is_sendgrid_signature_valid(callback, payload=payload.rstrip())
        assert not harness.is_sendgrid_signature_valid(callback, timestamp=str(int(timestamp) + 1))
        signature = bytearray(b64decode(callback.headers[SIGNATURE]))
        signature[-1] ^= 1
        assert not harness.is_sendgrid_signature_valid(callback, signature=b64encode(signature).decode())

    async def test_a_forged_post_is_rejected_by_the_vendors_verifier(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await send_mail(harness, client, "forged@example.org")
        assert not harness.is_sendgrid_signature_valid(harness.receiver.get())

    @pytest.mark.parametrize(
        ("word", "events"),
        [
            ("deferred", ["processed", "deferred", "delivered"]),
            ("bounced", ["processed", "bounce"]),
            ("blocked", ["processed", "bounce"]),
            ("dropped", ["dropped"]),
            ("unsubscribed", ["dropped"]),
            ("clicked", ["processed", "delivered", "open", "click"]),
            ("complained", ["processed", "delivered", "spamreport"]),
            ("opted-out", ["processed", "delivered", "unsubscribe"]),
            ("opted-out-of-group", ["processed", "delivered", "group_unsubscribe"]),
            ("opened.reversed", ["open", "delivered", "processed"]),
        ],
    )
    async def test_the_events_of_a_word(self, harness: CallbackHarness, client: PooledHttpClient, word: str, events: list[str]) -> None:
        await send_mail(harness, client, f"{word}@example.org")
        assert [event["event"] for event in harness.receiver.get_events(len(events))] == events

    async def test_repeated_events_keep_their_ids(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await send_mail(harness, client, "repeated-46@example.org")
        assert len({event["sg_event_id"] for event in harness.receiver.get_events(92)}) == 2

    async def test_stale_events_are_25_hours_old(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await send_mail(harness, client, "stale@example.org")
        callback = harness.receiver.get()
        age = int(callback.headers[TIMESTAMP]) - callback.json[0]["timestamp"]
        assert 25 * HOUR - 5 <= age <= 25 * HOUR + 60

    async def test_early_events_come_before_the_response(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await send_mail(harness, client, "early@example.org")
        assert harness.receiver.received.qsize() > 0

    async def test_each_recipient_of_a_batch_has_its_own_script(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        recipients = [
            {"to": [{"email": f"{word}@example.org"}], "custom_args": {"delivery_id": f"dlv_{number}"}}
            for number, word in enumerate(("a", "bounced", "silent", "dropped"))
        ]
        await send_mail(harness, client, "", personalizations=recipients, custom_args={"batch": "17"}, categories=["news"])
        events = harness.receiver.get_events(5)
        assert {(event["delivery_id"], event["event"]) for event in events} == {
            ("dlv_0", "processed"),
            ("dlv_0", "delivered"),
            ("dlv_1", "processed"),
            ("dlv_1", "bounce"),
            ("dlv_3", "dropped"),
        }
        assert {(event["batch"], *event["category"]) for event in events} == {("17", "news")}
        assert len({event["sg_event_id"] for event in events}) == 5

    async def test_nothing_is_reported_of_a_mail_in_the_sandbox(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        request = build_mail_request(harness.simulators.origin, "a@example.org", "dlv_1", mail_settings={"sandbox_mode": {"enable": True}})
        (result,) = await send_all(client, request)
        assert isinstance(result, HttpResponse)
        assert result.status_code == 200
        assert harness.simulators.fetch("/callbacks/counts") == {"outstanding": 0}

    async def test_a_refused_post_is_repeated(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        harness.receiver.statuses = [503]
        await send_mail(harness, client, "dropped@example.org")
        assert harness.receiver.get() == harness.receiver.get()
        counts = harness.simulators.fetch("/callbacks/counts")
        assert (counts["5xx"], counts["retried"]) == (1, 1)


class TestTwilio:
    async def test_the_list_of_messages_is_answered_and_not_reported(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        message = await send_sms(harness, client, "+436641234567")
        assert len([harness.receiver.get() for _ in range(2)]) == 2
        path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json?To=%2B436641234567"
        request = f"GET {path} HTTP/1.1\r\nHost: simulators\r\nAuthorization: Basic azpz\r\n\r\n".encode()
        (result,) = await send_all(client, HttpRequest(harness.simulators.origin, request, b""))
        assert isinstance(result, HttpResponse)
        assert result.status_code == 200
        assert [one["sid"] for one in msgspec.json.decode(result.body)["messages"]] == [message["sid"]]
        assert await harness.fetch_final_counts() == {"2xx": 2, "given_up": 0, "outstanding": 0}

    async def test_an_accepted_message_is_sent_and_delivered(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        answer = await send_sms(harness, client, "+4366012345678")
        callbacks = [harness.receiver.get(), harness.receiver.get()]
        assert [callback.form["MessageStatus"] for callback in callbacks] == ["sent", "delivered"]
        for callback in callbacks:
            assert callback.path == "/twilio?delivery=dlv_1&attempt=0"
            assert (callback.form["MessageSid"], callback.form["To"]) == (answer["sid"], "+4366012345678")
            assert callback.form["AccountSid"] == answer["account_sid"]
        assert re.fullmatch("[0-9]{10}", callbacks[1].form["RawDlrDoneDate"])

    async def test_the_vendors_verifier_accepts_the_request_and_rejects_each_change(
        self, harness: CallbackHarness, client: PooledHttpClient
    ) -> None:
        await send_sms(harness, client, "+15005552105")
        for _ in range(2):
            callback = harness.receiver.get()
            assert harness.is_twilio_signature_valid(callback)
            for name, value in callback.form.items():
                assert not harness.is_twilio_signature_valid(callback, **{name: value[:-1] + chr(ord(value[-1]) ^ 1)})
            assert not harness.is_twilio_signature_valid(callback, Further="1")
            assert not harness.is_twilio_signature_valid(callback._replace(path=callback.path.replace("attempt=0", "attempt=1")))
            assert not RequestValidator("e" * 32).validate(
                harness.receiver.origin + callback.path, callback.form, callback.headers["x-twilio-signature"]
            )

    async def test_a_forged_request_is_rejected_by_the_vendors_verifier(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await send_sms(harness, client, "+15005552800")
        assert not harness.is_twilio_signature_valid(harness.receiver.get())

    @pytest.mark.parametrize(
        ("number", "statuses"),
        [
            ("+15005552106", [("sent", ""), ("undelivered", "30006")]),
            ("+15005552203", [("failed", "30003")]),
            ("+15005552400", [("delivered", ""), ("sent", "")]),
            ("+15005552302", [("sent", ""), ("sent", ""), ("delivered", ""), ("delivered", "")]),  # both of one before the next
        ],
    )
    async def test_the_statuses_of_a_number(
        self, harness: CallbackHarness, client: PooledHttpClient, number: str, statuses: list[tuple[str, str]]
    ) -> None:
        await send_sms(harness, client, number)
        forms = [harness.receiver.get().form for _ in statuses]
        assert [(form["MessageStatus"], form.get("ErrorCode", "")) for form in forms] == statuses

    async def test_a_messaging_service_reports_when_the_message_is_queued(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        service = "MG" + "1" * 32
        await send_sms(harness, client, "+4366012345678", From="", MessagingServiceSid=service)
        forms = [harness.receiver.get().form for _ in range(3)]
        assert [form["MessageStatus"] for form in forms] == ["queued", "sent", "delivered"]
        assert {form["MessagingServiceSid"] for form in forms} == {service}

    async def test_a_request_is_repeated_if_the_fragment_of_the_url_asks_for_it(
        self, harness: CallbackHarness, client: PooledHttpClient
    ) -> None:
        harness.receiver.statuses = [503, 503, 503]
        await send_sms(harness, client, "+15005552203", fragment="#rc=2&rp=5xx")
        callbacks = [harness.receiver.get() for _ in range(3)]
        assert callbacks[0] == callbacks[1] == callbacks[2]
        assert callbacks[0].path == "/twilio?delivery=dlv_1&attempt=0"

    def test_somebody_answers_stop(self, harness: CallbackHarness) -> None:
        harness.simulators.fetch("/callbacks/inbound?from=%2B4366012345678&text=Stop", "POST")
        callback = harness.receiver.get()
        assert callback.path == "/twilio/inbound"
        assert (callback.form["From"], callback.form["Body"], callback.form["OptOutType"]) == ("+4366012345678", "Stop", "STOP")
        assert harness.is_twilio_signature_valid(callback)


class TestApp:
    async def send_push(self, harness: CallbackHarness, client: PooledHttpClient, token: str) -> None:
        data = {"delivery_id": "dlv_1", "herold_receipt": "receipt-token"}
        (result,) = await send_all(client, build_push_request(harness.simulators.origin, token, data))
        assert isinstance(result, HttpResponse)
        assert result.status_code == 200

    async def test_the_app_acknowledges_with_the_token_of_the_message(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await self.send_push(harness, client, "opened:device-3")
        callbacks = [harness.receiver.get(), harness.receiver.get()]
        assert [callback.json for callback in callbacks] == [
            {"token": "receipt-token", "event": "delivered"},
            {"token": "receipt-token", "event": "open"},
        ]
        assert {(callback.path, callback.headers["content-type"]) for callback in callbacks} == {("/fcm/ack", "application/json")}

    async def test_a_message_that_does_not_arrive_is_not_acknowledged(self, harness: CallbackHarness, client: PooledHttpClient) -> None:
        await self.send_push(harness, client, "undelivered:device-3")
        assert harness.simulators.fetch("/callbacks/counts") == {"outstanding": 0}
