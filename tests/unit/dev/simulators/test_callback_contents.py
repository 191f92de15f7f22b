"""What the callbacks of a message say, and that the vendors' own verifiers accept them and no changed one."""

from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from dev.simulators.callback_script import CallbackScript, Report
from dev.simulators.callbacks import fcm, sendgrid, twilio
from dev.simulators.callbacks.post import PostResult
from dev.simulators.callbacks.signatures import (
    SENDGRID_SIGNATURE_HEADER,
    SENDGRID_TIMESTAMP_HEADER,
    TWILIO_SIGNATURE_HEADER,
    SendGridSigner,
    sign_twilio_request,
)
from dev.stack.signing_key import build_key_pair
from tests.unit.dev.simulators.request_builders import NOW

CASES = 500
CHARACTERS = "abcXYZ019 -_.,:;!?&=%+/\\\"'<>{}[]()#äöüßéñ€漢字\U0001f600\n\r\t"
RECIPIENT = sendgrid.MailRecipient("a@example.org", "18f2abc", 3, {"delivery_id": "dlv_1", "attempt": "0"}, ["orders"], 17)
SMS = twilio.AcceptedSms("SM1", "AC1", "+4366012345678", "+15005550006", "", "https://herold.example.org/cb?delivery=dlv_1")
KEY_PAIR = build_key_pair()
PUBLIC_KEY = "".join(KEY_PAIR.split("-----BEGIN PUBLIC KEY-----")[1].split("-----END")[0].split())
TOKEN = "f" * 32


def make_text(random: Random, length: int) -> str:
    """A text of up to this length."""
    return "".join(random.choices(CHARACTERS, k=random.randrange(1, length)))


def build_events(report: Report = Report.DELIVERED) -> list[dict[str, Any]]:
    """The events of a report, decoded."""
    events = sendgrid.select_events(CallbackScript(report), is_unsubscribed=False)
    return [
        msgspec.json.decode(event) for event in sendgrid.build_events(RECIPIENT, events, [NOW + number for number in range(len(events))])
    ]


class TestSendGridEvents:
    @pytest.mark.parametrize("report", Report)
    def test_every_report_has_events_with_the_fields_of_the_recipient(self, report: Report) -> None:
        events = build_events(report)
        assert events
        for event in events:
            assert (event["email"], event["delivery_id"]) == ("a@example.org", "dlv_1")
            # SendGrid's own count of its tries takes the place of the custom argument
            assert event["attempt"] == ("1" if event["event"] == "deferred" else "0")
            assert event["category"] == ["orders"]
            assert event["sg_message_id"].startswith("18f2abc.")
            assert event["asm_group_id"] in (1, 17)
        assert all(first["timestamp"] <= second["timestamp"] for first, second in pairwise(events))
        assert len({event["sg_event_id"] for event in events}) == len(events)

    def test_the_ids_of_events_depend_on_message_and_recipient_only(self) -> None:
        ids = [event["sg_event_id"] for event in build_events()]
        assert ids == [event["sg_event_id"] for event in build_events()]
        events = sendgrid.EVENTS[Report.DELIVERED]
        other = sendgrid.build_events(RECIPIENT._replace(number=4), events, [NOW, NOW])
        assert not set(ids) & {msgspec.json.decode(event)["sg_event_id"] for event in other}

    def test_custom_arguments_do_not_replace_the_fields_of_sendgrid(self) -> None:
        recipient = RECIPIENT._replace(custom_args={"event": "open", "email": "b@example.org", "timestamp": "1", "sg_event_id": "x"})
        (event,) = sendgrid.build_events(recipient, sendgrid.UNSUBSCRIBED_EVENTS, [NOW])
        decoded = msgspec.json.decode(event)
        assert (decoded["event"], decoded["email"], decoded["timestamp"]) == ("dropped", "a@example.org", int(NOW))
        assert decoded["sg_event_id"] != "x"

    def test_a_mail_to_somebody_who_unsubscribed_is_dropped_whatever_the_script_says(self) -> None:
        (event,) = sendgrid.select_events(CallbackScript(Report.CLICK), is_unsubscribed=True)
        assert event["reason"] == "Unsubscribed Address"

    def test_the_vendors_verifier_accepts_each_post_and_no_changed_one(self) -> None:
        signer, verifier, random = SendGridSigner(KEY_PAIR.encode()), EventWebhook(PUBLIC_KEY), Random(1)
        for _ in range(CASES):
            events = [msgspec.json.encode({"email": make_text(random, 40), "event": "open"}) for _ in range(random.randrange(1, 4))]
            post = sendgrid.build_post("http://h", signer, events, int(NOW), is_forged=False)
            signature, timestamp = post.headers[SENDGRID_SIGNATURE_HEADER], post.headers[SENDGRID_TIMESTAMP_HEADER]
            body = post.body.decode()
            assert verifier.verify_signature(body, signature, timestamp)
            position = random.randrange(len(body))
            assert not verifier.verify_signature(body[:position] + body[position + 1 :], signature, timestamp)
            assert not verifier.verify_signature(body, signature, str(int(timestamp) - 1))
            assert len(msgspec.json.decode(post.body)) == len(events)

    def test_a_forged_post_is_not_accepted(self) -> None:
        post = sendgrid.build_post("http://h", SendGridSigner(KEY_PAIR.encode()), [b"{}"], int(NOW), is_forged=True)
        signature, timestamp = post.headers[SENDGRID_SIGNATURE_HEADER], post.headers[SENDGRID_TIMESTAMP_HEADER]
        assert not EventWebhook(PUBLIC_KEY).verify_signature(post.body.decode(), signature, timestamp)

    def test_sendgrid_tries_again_after_every_failure(self) -> None:
        assert sendgrid.RETRY_RULE.results == frozenset(PostResult) - {PostResult.ACCEPTED}
        assert list(sendgrid.RETRY_RULE.delays) == sorted(sendgrid.RETRY_RULE.delays)


class TestTwilioRequests:
    @pytest.mark.parametrize("report", Report)
    def test_every_report_has_statuses(self, report: Report) -> None:
        statuses = twilio.list_statuses(SMS, CallbackScript(report))
        assert statuses[-1][0] in ("delivered", "undelivered", "failed")
        assert (statuses[-1][1] > 0) == (statuses[-1][0] != "delivered")
        queued = twilio.list_statuses(SMS._replace(messaging_service_sid="MG1"), CallbackScript(report))
        assert queued == [("queued", 0), *statuses]

    def test_an_error_code_replaces_that_of_the_report(self) -> None:
        assert twilio.list_statuses(SMS, CallbackScript(Report.UNDELIVERED, 30034))[-1] == ("undelivered", 30034)

    def test_the_time_of_a_delivery_has_minutes_and_no_zone(self) -> None:
        post = twilio.build_status_post(SMS, "delivered", 0, NOW, TOKEN)
        assert b"RawDlrDoneDate=2510090853" in post.body
        assert b"RawDlrDoneDate" not in twilio.build_status_post(SMS, "sent", 0, NOW, TOKEN).body

    def test_the_vendors_validator_accepts_each_request_and_no_changed_one(self) -> None:
        validator, random = RequestValidator(TOKEN), Random(2)
        for number in range(CASES):
            url = f"https://herold.example.org/cb?delivery={number}&x={random.randrange(99)}"
            form = {make_text(random, 12): make_text(random, 40) for _ in range(random.randrange(1, 8))}
            signature = sign_twilio_request(TOKEN, url, list(form.items()))
            assert validator.validate(url, form, signature)
            name = random.choice(list(form))
            assert not validator.validate(url, {**form, name: form[name] + "x"}, signature)
            assert not validator.validate(url + "1", form, signature)
            assert not RequestValidator("e" * 32).validate(url, form, signature)

    @pytest.mark.parametrize(
        ("text", "word"), [("STOP", "STOP"), (" stop ", "STOP"), ("Start", "START"), ("help", "HELP"), ("Stop it", "")]
    )
    def test_the_keyword_of_an_inbound_message_is_named(self, text: str, word: str) -> None:
        body = twilio.build_inbound_post("https://h.example/inbound", SMS, text, TOKEN, "SM2").body.decode()
        assert (f"OptOutType={word}" in body) == bool(word)
        assert "From=%2B4366012345678" in body

    @pytest.mark.parametrize(
        ("fragment", "tries", "results", "timeouts"),
        [
            ("", 1, {"ct"}, (5.0, 15.0)),
            ("#rc=5&rp=4xx,5xx,ct,rt", 5, {"4xx", "5xx", "ct", "rt"}, (5.0, 15.0)),
            ("#rc=9&rp=all", 5, {"4xx", "5xx", "ct", "rt"}, (5.0, 15.0)),
            ("#rc=0", 0, {"ct"}, (5.0, 15.0)),
            ("#ct=500&rt=1000", 1, {"ct"}, (0.5, 1.0)),
            ("#rc=x&rp=never&ct=-1", 1, set(), (5.0, 15.0)),
        ],
    )
    def test_the_fragment_of_the_url_overrides_tries_and_timeouts(
        self, fragment: str, tries: int, results: set[str], timeouts: tuple[float, float]
    ) -> None:
        post = twilio.build_post(f"https://h.example/cb?a=1{fragment}", {"a": "1"}, TOKEN)
        assert post.url == "https://h.example/cb?a=1"
        assert len(post.retry_rule.delays) == tries
        assert set(map(str, post.retry_rule.results)) == results
        assert (post.connect_timeout, post.read_timeout) == timeouts
        assert RequestValidator(TOKEN).validate("https://h.example/cb?a=1", {"a": "1"}, post.headers[TWILIO_SIGNATURE_HEADER])


class TestAcknowledgements:
    @pytest.mark.parametrize(
        ("report", "events"),
        [
            (Report.DELIVERED, ("delivered",)),
            (Report.DEFERRED, ("delivered",)),
            (Report.OPEN, ("delivered", "open")),
            (Report.CLICK, ("delivered", "open", "click")),
            (Report.BOUNCED, ()),
            (Report.FAILED, ()),
        ],
    )
    def test_what_an_app_reports(self, report: Report, events: tuple[str, ...]) -> None:
        assert fcm.list_events(CallbackScript(report)) == events

    def test_a_forged_acknowledgement_has_another_token(self) -> None:
        genuine, forged = (
            msgspec.json.decode(fcm.build_post("http://h", "abc", "open", is_forged=forged).body) for forged in (False, True)
        )
        assert (genuine, forged) == ({"token": "abc", "event": "open"}, {"token": "cba", "event": "open"})
