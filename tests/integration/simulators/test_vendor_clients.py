"""The vendors' own clients call the simulators and understand the responses: they are the oracles of the simulators."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import firebase_admin
import pytest
import sendgrid
from firebase_admin import credentials, exceptions, messaging
from google.oauth2.credentials import Credentials
from python_http_client.exceptions import BadRequestsError, TooManyRequestsError, UnauthorizedError
from sendgrid.helpers.mail import (
    Asm,
    Attachment,
    Category,
    ClickTracking,
    CustomArg,
    Disposition,
    FileContent,
    FileName,
    FileType,
    GroupId,
    GroupsToDisplay,
    Header,
    Mail,
    MailSettings,
    ReplyTo,
    SandBoxMode,
    SendAt,
    TrackingSettings,
)
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from schemas.ids import DELIVERY_PREFIX, make_id
from tests.integration.simulators.simulator_process import SimulatorProcess

DELIVERY_ID = make_id(DELIVERY_PREFIX, time.time(), 17)


def fetch_logged_request(simulator: SimulatorProcess) -> tuple[str, str, int]:
    """Fetch the delivery id, address and status of the only entry in the request log."""
    (entry,) = simulator.fetch(f"/requests/search?delivery_id={DELIVERY_ID}")
    return entry["delivery_id"], entry["address"], entry["status"]


class TestSendGrid:
    """sendgrid.SendGridAPIClient, which raises an exception for each error status."""

    def send(self, simulator: SimulatorProcess, to: str, key: str = "SG.key") -> object:
        mail = Mail(from_email="shop@example.org", to_emails=to, subject="Shipped", plain_text_content="On its way.")
        mail.custom_arg = CustomArg("delivery_id", DELIVERY_ID)
        mail.personalizations[0].add_custom_arg(CustomArg("delivery_id", DELIVERY_ID))
        return sendgrid.SendGridAPIClient(key, host=simulator.origin).send(mail)

    def test_accepted(self, simulators: SimulatorProcess) -> None:
        response = self.send(simulators, "a@example.org")
        assert response.status_code == 202  # type: ignore[attr-defined]
        assert response.headers["X-Message-Id"]  # type: ignore[attr-defined]
        assert fetch_logged_request(simulators) == (DELIVERY_ID, "a@example.org", 202)

    def test_rejected(self, simulators: SimulatorProcess) -> None:
        with pytest.raises(BadRequestsError) as error_info:
            self.send(simulators, "bounce@example.org")
        assert error_info.value.to_dict["errors"][0]["field"] == "personalizations.0.to.0.email"
        assert fetch_logged_request(simulators) == (DELIVERY_ID, "bounce@example.org", 400)

    def test_throttled(self, simulators: SimulatorProcess) -> None:
        with pytest.raises(TooManyRequestsError) as error_info:
            self.send(simulators, "throttle@example.org")
        assert int(error_info.value.headers["X-RateLimit-Reset"]) > time.time() - 60

    def test_a_mail_with_the_options_of_the_library(self, simulators: SimulatorProcess) -> None:
        mail = Mail(
            "shop@example.org", ["a@example.org", ("b@example.org", "Bo")], "Shipped", "On its way.", "<p>On its way.</p>", is_multiple=True
        )
        mail.reply_to = ReplyTo("help@example.org", "Help")
        mail.add_category(Category("orders"))
        mail.add_header(Header("List-Unsubscribe", "<https://shop.example.org/u>"))
        mail.add_attachment(Attachment(FileContent("eA=="), FileName("x.txt"), FileType("text/plain"), Disposition("attachment")))
        mail.asm = Asm(GroupId(1), GroupsToDisplay([1, 2]))
        mail.send_at = SendAt(int(time.time()) + 3600)
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(False))
        mail.tracking_settings = TrackingSettings(click_tracking=ClickTracking(True, False))
        assert sendgrid.SendGridAPIClient("SG.key", host=simulators.origin).send(mail).status_code == 202
        assert [entry["address"] for entry in simulators.fetch("/requests/search?address=b@example.org")] == ["b@example.org"]

    def test_a_batch_is_rejected_for_one_of_its_addresses(self, simulators: SimulatorProcess) -> None:
        mail = Mail("shop@example.org", ["a@example.org", "bounce@example.org"], "Shipped", "On its way.", is_multiple=True)
        with pytest.raises(BadRequestsError) as error_info:
            sendgrid.SendGridAPIClient("SG.key", host=simulators.origin).send(mail)
        addresses = [personalization["to"][0]["email"] for personalization in mail.get()["personalizations"]]
        number = addresses.index("bounce@example.org")
        assert error_info.value.to_dict["errors"][0]["field"] == f"personalizations.{number}.to.0.email"

    def test_a_revoked_key(self, simulators: SimulatorProcess) -> None:
        with pytest.raises(UnauthorizedError):
            self.send(simulators, "a@example.org", "SG.revoked")


class TestTwilio:
    """twilio.rest.Client, which parses the message of the response."""

    def send(self, simulator: SimulatorProcess, to: str, body: str = "Grüße", token: str = "token") -> object:
        client = Client("AC" + "0" * 32, token)
        client.api.base_url = simulator.origin
        callback = f"https://herold.example/callbacks/twilio?delivery={DELIVERY_ID}"
        return client.messages.create(to=to, from_="+15005550006", body=body, status_callback=callback)

    def test_accepted(self, simulators: SimulatorProcess) -> None:
        message = self.send(simulators, "+4366012345678")
        assert message.sid.startswith("SM")  # type: ignore[attr-defined]
        assert (message.status, message.body, message.num_segments) == ("queued", "Grüße", "1")  # type: ignore[attr-defined]
        assert abs(message.date_created.timestamp() - time.time()) < 3600  # type: ignore[attr-defined]
        assert fetch_logged_request(simulators) == (DELIVERY_ID, "+4366012345678", 201)

    @pytest.mark.parametrize(
        ("to", "status", "code"),
        [("+15005550001", 400, 21211), ("+15005550004", 400, 21610), ("+15005551100", 429, 20429), ("+15005551200", 500, 20500)],
    )
    def test_rejected(self, simulators: SimulatorProcess, to: str, status: int, code: int) -> None:
        with pytest.raises(TwilioRestException) as error_info:
            self.send(simulators, to)
        assert (error_info.value.status, error_info.value.code) == (status, code)
        assert fetch_logged_request(simulators) == (DELIVERY_ID, to, status)

    def test_messages_are_listed(self, simulators: SimulatorProcess) -> None:
        sent = self.send(simulators, "+4366012345679", "Hello")
        client = Client("AC" + "0" * 32, "token")
        client.api.base_url = simulators.origin
        since = datetime.now(UTC) - timedelta(minutes=1)
        (listed,) = client.messages.list(to="+4366012345679", date_sent_after=since, limit=5)
        assert (listed.sid, listed.body, listed.to) == (sent.sid, "Hello", "+4366012345679")  # type: ignore[attr-defined]
        assert client.messages.list(to="+4366012345679", date_sent_after=since + timedelta(hours=1)) == []

    @pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # by aiohttp; Twilio's library uses it
    @pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")
    async def test_the_asynchronous_client(self, simulators: SimulatorProcess) -> None:
        async with AsyncTwilioHttpClient() as http_client:
            client = Client("AC" + "0" * 32, "token", http_client=http_client)
            client.api.base_url = simulators.origin
            message = await client.messages.create_async(
                to="+4366012345678",
                messaging_service_sid="MG" + "1" * 32,
                body="Grüße",
                smart_encoded=True,
                validity_period=60,
                status_callback="https://herold.example.org/callbacks",
            )
            assert message.sid is not None
            assert (message.status, message.messaging_service_sid) == ("accepted", "MG" + "1" * 32)
            with pytest.raises(TwilioRestException) as error_info:
                await client.messages.create_async(to="+4366012345678", from_="+15005550006", body="Hi", validity_period=0)
        assert (error_info.value.status, error_info.value.code) == (400, 90007)

    def test_a_revoked_token(self, simulators: SimulatorProcess) -> None:
        with pytest.raises(TwilioRestException) as error_info:
            self.send(simulators, "+4366012345678", token="revoked")
        assert (error_info.value.status, error_info.value.code) == (401, 20003)


class FakeCredentials(credentials.Base):  # type: ignore[misc]
    """Credentials that need no token server."""

    def get_credential(self) -> Credentials:
        return Credentials("token")


class TestFcm:
    """firebase_admin.messaging, which maps FcmError to exceptions."""

    @pytest.fixture
    def app(self, simulators: SimulatorProcess) -> Iterator[firebase_admin.App]:
        app = firebase_admin.initialize_app(FakeCredentials(), {"projectId": "shop", "httpTimeout": 5}, "simulators")
        # the SDK has no public setting for the URL of FCM
        service = messaging._get_messaging_service(app)
        service._fcm_url = f"{simulators.origin}/v1/projects/shop/messages:send"
        yield app
        firebase_admin.delete_app(app)

    def send(self, app: firebase_admin.App, token: str, *, dry_run: bool = False) -> str:
        notification = messaging.Notification("Shipped", "On its way")
        with pytest.warns(DeprecationWarning, match="Message.token is deprecated"):  # FCM still accepts it, and Herold still sends it
            message = messaging.Message(
                token=token, notification=notification, data={"delivery_id": DELIVERY_ID}, android=messaging.AndroidConfig(ttl=60)
            )
        return str(messaging.send(message, dry_run=dry_run, app=app))

    def test_accepted(self, simulators: SimulatorProcess, app: firebase_admin.App) -> None:
        assert self.send(app, "device-3").startswith("projects/shop/messages/0:")
        assert fetch_logged_request(simulators) == (DELIVERY_ID, "device-3", 200)

    def test_a_dry_run(self, app: firebase_admin.App) -> None:
        assert self.send(app, "device-3", dry_run=True).endswith("/fake_message_id")

    @pytest.mark.parametrize(
        ("token", "exception", "status"),
        [
            ("unsubscribed:1", messaging.UnregisteredError, 404),
            ("bounce:1", exceptions.InvalidArgumentError, 400),
            ("reject:1", exceptions.InvalidArgumentError, 400),
        ],
    )
    def test_rejected(
        self, simulators: SimulatorProcess, app: firebase_admin.App, token: str, exception: type[Exception], status: int
    ) -> None:
        with pytest.raises(exception):
            self.send(app, token)
        assert fetch_logged_request(simulators) == (DELIVERY_ID, token, status)

    def test_throttled_once(self, simulators: SimulatorProcess, app: firebase_admin.App) -> None:
        assert self.send(app, "throttle-1:device")  # the SDK retries after Retry-After
        assert [entry["status"] for entry in simulators.fetch(f"/requests/search?delivery_id={DELIVERY_ID}")] == [429, 200]

    def test_messages_to_many_with_the_options_of_the_library(self, simulators: SimulatorProcess, app: firebase_admin.App) -> None:
        light = messaging.LightSettings("#ff0000", 500, 500)
        notification = messaging.AndroidNotification(
            color="#00ff00", tag="t", priority="high", visibility="public", vibrate_timings_millis=[100, 200], light_settings=light
        )
        android = messaging.AndroidConfig(collapse_key="k", priority="high", ttl=60, notification=notification, data={"order": "17"})
        apns = messaging.APNSConfig({"apns-priority": "10"}, messaging.APNSPayload(messaging.Aps(badge=1, sound="default")))
        webpush = messaging.WebpushConfig({"TTL": "60"}, fcm_options=messaging.WebpushFCMOptions("https://shop.example.org"))
        tokens = [f"device-{number}" for number in range(20)] + ["unsubscribed:1"]
        with pytest.warns(DeprecationWarning, match="deprecated"):
            response = messaging.send_each_for_multicast(
                messaging.MulticastMessage(tokens, {"order": "17"}, messaging.Notification("Hi"), android, webpush, apns), app=app
            )
        assert (response.success_count, response.failure_count) == (20, 1)
        assert isinstance(response.responses[20].exception, messaging.UnregisteredError)

    def test_a_message_to_a_topic_and_to_a_condition(self, simulators: SimulatorProcess, app: firebase_admin.App) -> None:
        for target in ({"topic": "news"}, {"condition": "'news' in topics && ('vienna' in topics || 'graz' in topics)"}):
            assert messaging.send(messaging.Message(notification=messaging.Notification("Hi"), **target), app=app)
