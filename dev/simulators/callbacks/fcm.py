"""The app on the device: it acknowledges a push message to Herold with the token in the message's data. FCM itself reports nothing."""

import msgspec

from dev.simulators.callback_script import CallbackScript, Report
from dev.simulators.callbacks.post import ALL_FAILURES, CallbackPost, RetryRule

TOKEN_KEY = "herold_receipt"  # of the message's data
RETRY_RULE = RetryRule((1.0, 5.0, 30.0), ALL_FAILURES)
HEADERS = {"Content-Type": "application/json", "User-Agent": "ShopApp/1.0"}
_ENGAGEMENTS = {Report.OPEN: ("delivered", "open"), Report.CLICK: ("delivered", "open", "click")}
_LOST = {Report.BOUNCED, Report.BLOCKED, Report.DROPPED, Report.UNDELIVERED, Report.FAILED}


def list_events(script: CallbackScript) -> tuple[str, ...]:
    """What the app reports; nothing if the message does not reach it."""
    return () if script.report in _LOST else _ENGAGEMENTS.get(script.report, ("delivered",))


def build_post(url: str, token: str, event: str, *, is_forged: bool) -> CallbackPost:
    """The acknowledgement of one event; a forged one has a token that Herold did not sign."""
    body = {"token": token[::-1] if is_forged else token, "event": event}
    return CallbackPost(url, HEADERS, msgspec.json.encode(body), RETRY_RULE)
