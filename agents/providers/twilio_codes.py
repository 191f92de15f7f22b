"""Twilio's error codes of Messages.json and what each means for a delivery.

Source of a code: its page in Twilio's dictionary, https://www.twilio.com/docs/api/errors/<code>, which `build_link` gives. The pages of
10002, 20503, 21212, 21265, 21266, 21401, 21601, 21603, 21604, 21606 to 21608, 21611, 21612, 21616, 21635, 21657, 21659 to 21661, 21705,
21730, 572002 and 572005 were read for this table; 20429, 21610 and 21617 are described in Twilio's guides. The others have the titles
that Twilio's dictionary gives them. Codes of 30000 to 39999 and 14107 come with callbacks only, and those of 63000 to 63999 are of other
channels than SMS.
"""

from collections.abc import Mapping
from typing import Final

from agents.providers.response import build_account_fault
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult

_SENDER: Final = "check providers.twilio.from_number and senders"
_KEY: Final = "check providers.twilio.api_key_sid and api_key_secret"


def build_link(code: int) -> str:
    """The page of a code."""
    return f"https://www.twilio.com/docs/api/errors/{code}"


# nothing can be sent by this account until somebody changes it or its settings
_ACCOUNT_FAULTS: Final = {
    10001: "the account is not active",
    10002: "a trial account cannot do this",
    20003: f"wrong API key, or a suspended account: {_KEY}",
    20005: "the account is not active",
    20006: f"the API key may not do this: {_KEY}",
    20008: f"these are test credentials: {_KEY}",
    20403: "the account is suspended or closed",
    20404: "no such account: check providers.twilio.account_sid",
    21609: "the URL for status callbacks is not one that Twilio can call: check providers.twilio.callback_base_url",
    70051: "the API key may not do this",
}
# the sender is at fault: with one sender for all recipients, that is the account
_SENDER_FAULTS: Final = {
    21212: f"not a number or name to send from: {_SENDER}",
    21267: f"a trial account cannot send from a name: {_SENDER}",
    21401: f"the sender is not a number or name for SMS: {_SENDER}",
    21601: f"the sender is not a number for SMS: {_SENDER}",
    21603: f"the sender is missing: {_SENDER}",
    21606: f"the sender cannot send text messages: {_SENDER}",
    21607: f"a trial account sends from its trial number only: {_SENDER}",
    21616: f"the sender stands for several numbers of the account: {_SENDER}",
    21659: f"the sender is not a number of Twilio: {_SENDER}",
    21660: f"the sender belongs to another account: {_SENDER}",
    21661: f"the sender cannot send text messages: {_SENDER}",
    21701: f"there is no such messaging service: {_SENDER}",
    21704: f"the messaging service has no numbers: {_SENDER}",
    21705: f"the SID of the messaging service is not valid: {_SENDER}",
}
# settings that keep the account from sending to this recipient; it works for others
_RECIPIENT_SETTINGS: Final = {
    21219: "a trial account sends to verified numbers only",
    21408: "no permission to send to this country",
    21608: "a trial account, or one without a compliance profile, sends to verified numbers only",
    21657: "the sender is not allowed in the recipient's country",
    21703: "the messaging service has no number that can send to this recipient",
    572002: "a trial account sends to this recipient from the number assigned to it only",
    572005: "a trial account sends to verified numbers only, and this verification is not complete",
}
_RECIPIENTS: Final = {
    21211: "not a phone number",
    21214: "the number cannot be reached",
    21217: "not a phone number",
    21265: "a short code, which cannot receive messages",
    21266: "the number is the sender's own",
    21268: "a premium or information service, which cannot receive messages",
    21612: "the number is not reachable from this sender",
    21614: "not a mobile number",
    21635: "a landline number",
}
_PAYLOADS: Final = {
    21602: "the message has no body",
    21604: "the message has no recipient",
    21605: "the body is too long",
    21617: "the body is longer than 1,600 characters",
    21619: "the message has no body",
    21910: "the sender and the recipient are of different channels",
}
# rejected before it was processed, so that it can be sent again as it is
_THROTTLED: Final = {
    20429: "too many requests; never processed",
    21611: "the sender's queue is full",
    21730: "Twilio's system is under maintenance",
}


def _build(entries: Mapping[int, str], outcome: Outcome, reason: str) -> dict[int, AttemptResult]:
    return {code: AttemptResult(outcome, reason, code, detail=detail) for code, detail in entries.items()}


ERROR_CODES: Final[Mapping[int, AttemptResult]] = {
    **{code: build_account_fault(code, detail) for code, detail in {**_ACCOUNT_FAULTS, **_SENDER_FAULTS}.items()},
    **_build(_RECIPIENT_SETTINGS, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
    **_build(_RECIPIENTS, Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
    **_build(_PAYLOADS, Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
    **_build(_THROTTLED, Outcome.THROTTLED, ""),
    21610: AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.OPTED_OUT, 21610, status=Status.UNSUBSCRIBED, detail="the recipient sent STOP"),
}
"""The result for each code, for an account with one sender."""

ERROR_CODES_OF_SENDERS: Final[Mapping[int, AttemptResult]] = {
    **ERROR_CODES,
    **_build(_SENDER_FAULTS, Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED),
}
"""The same for an account with several senders: one that does not work is at fault for its own recipients only."""

# https://www.twilio.com/docs/usage/twilios-response (401 Unauthorized, 403 Forbidden, 404 Not Found), without an error code
HTTP_STATUSES: Final[Mapping[int, AttemptResult]] = {
    401: build_account_fault(401, "the API key is wrong: check api_key_sid and api_key_secret of providers.twilio"),
    403: build_account_fault(403, "the API key may not send messages: check its permissions"),
    404: build_account_fault(404, "no such account: check account_sid and url of providers.twilio"),
}
