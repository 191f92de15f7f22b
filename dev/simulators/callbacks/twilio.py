"""Twilio's requests to a StatusCallback, and that of an inbound message.

Sources: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status, https://www.twilio.com/docs/messaging/guides/webhook-request
and https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode

from dev.simulators.callback_script import CallbackScript, Report
from dev.simulators.callbacks.post import CallbackPost, PostResult, RetryRule
from dev.simulators.callbacks.signatures import TWILIO_SIGNATURE_HEADER, sign_twilio_request

API_VERSION = "2010-04-01"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "User-Agent": "TwilioProxy/1.1", "Accept": "*/*"}
INBOUND_ACCOUNT = "AC" + "0" * 32
FORGED_TOKEN = "not the token of the account"
MAX_RETRIES = 5
RETRY_DELAY = 0.5  # seconds before the first further try; doubled before each of the next ones
_DEFAULT_OVERRIDES = {"rc": "1", "rp": "ct", "ct": "5000", "rt": "15000"}  # retry count and policy, timeouts in milliseconds
_ALL_POLICIES = ("4xx", "5xx", "ct", "rt")

_FAILURES = {
    Report.BOUNCED: ("undelivered", 30005),
    Report.UNDELIVERED: ("undelivered", 30005),
    Report.BLOCKED: ("undelivered", 30007),
    Report.DROPPED: ("failed", 30008),
    Report.FAILED: ("failed", 30008),
}
STOP_REPORTS = (Report.OPTED_OUT, Report.COMPLAINED)  # the recipient answers STOP


class AcceptedSms(NamedTuple):
    """What the callbacks about a message repeat; `sender` is empty if a messaging service chooses it."""

    sid: str
    account_sid: str
    to: str
    sender: str
    messaging_service_sid: str
    status_callback: str


def list_statuses(sms: AcceptedSms, script: CallbackScript) -> list[tuple[str, int]]:
    """The statuses after the one in the response, with their error codes (0: none)."""
    queued = [("queued", 0)] if sms.messaging_service_sid else []  # its first status was `accepted`
    if script.report not in _FAILURES:
        return [*queued, ("sent", 0), ("delivered", 0)]
    status, code = _FAILURES[script.report]
    sent = [] if status == "failed" else [("sent", 0)]
    return [*queued, *sent, (status, script.error_code or code)]


def build_status_post(sms: AcceptedSms, status: str, error_code: int, time: float, auth_token: str) -> CallbackPost:
    """The request about one status; `time` in epoch seconds. Carriers report the time of a delivery in minutes, without a zone."""
    form = {
        "MessageSid": sms.sid,
        "MessageStatus": status,
        "SmsSid": sms.sid,
        "SmsStatus": status,
        "AccountSid": sms.account_sid,
        "From": sms.sender or "+15005550006",
        "To": sms.to,
        "ApiVersion": API_VERSION,
    }
    if sms.messaging_service_sid:
        form["MessagingServiceSid"] = sms.messaging_service_sid
    if error_code:
        form["ErrorCode"] = str(error_code)
    if status == "delivered":
        form["RawDlrDoneDate"] = datetime.fromtimestamp(time, UTC).strftime("%y%m%d%H%M")
    return build_post(sms.status_callback, form, auth_token)


def build_inbound_post(url: str, sms: AcceptedSms, text: str, auth_token: str, sid: str) -> CallbackPost:
    """The request about a text message from the recipient of `sms` to its sender; STOP, START and HELP are named as such."""
    word = text.strip().upper()
    form = {
        "ToCountry": "US",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": text,
        "To": sms.sender or "+15005550006",
        "MessageSid": sid,
        "AccountSid": sms.account_sid,
        "From": sms.to,
        "NumSegments": "1",
        "ApiVersion": API_VERSION,
    }
    if sms.messaging_service_sid:
        form["MessagingServiceSid"] = sms.messaging_service_sid
    if word in ("STOP", "START", "HELP"):
        form["OptOutType"] = word
    return build_post(url, form, auth_token)


def build_post(url: str, form: Mapping[str, str], auth_token: str) -> CallbackPost:
    """A signed request; the fragment of the URL has Twilio's connection overrides and is not sent."""
    target, _, fragment = url.partition("#")
    signature = sign_twilio_request(auth_token, target, list(form.items()))
    overrides = {**_DEFAULT_OVERRIDES, **{name: values[-1] for name, values in parse_qs(fragment).items()}}
    return CallbackPost(
        target,
        {**HEADERS, TWILIO_SIGNATURE_HEADER: signature},
        urlencode(form).encode(),
        _build_retry_rule(overrides),
        _parse_number(overrides, "ct") / 1000,
        _parse_number(overrides, "rt") / 1000,
    )


def _build_retry_rule(overrides: Mapping[str, str]) -> RetryRule:
    count = min(MAX_RETRIES, _parse_number(overrides, "rc"))
    policies: Sequence[str] = overrides["rp"].split(",")
    if "all" in policies:
        policies = _ALL_POLICIES
    results = frozenset(PostResult(policy) for policy in policies if policy in _ALL_POLICIES)
    return RetryRule(tuple(RETRY_DELAY * 2**number for number in range(count)), results)


def _parse_number(overrides: Mapping[str, str], name: str) -> int:
    return int(overrides[name]) if overrides[name].isdecimal() else int(_DEFAULT_OVERRIDES[name])
