"""What replies of a mail server mean, as data.

Sources: RFC 5321, 4.2 (codes) and 4.3.2 (which command gets which), RFC 3463 and IANA's registry of enhanced codes
(https://www.iana.org/assignments/smtp-enhanced-status-codes), RFC 4954, 6 (authentication), RFC 7372 (DKIM, SPF), RFC 7505 (null MX).
A negative reply says that the server has not taken the message (RFC 5321, 4.2.5), so trying again makes no duplicate.
"""

from collections.abc import Mapping

from agents.providers.response import build_account_fault
from schemas.enums import Outcome, Reason
from schemas.outcome import AttemptResult
from schemas.smtp import SmtpReply, SmtpStage

_RECIPIENT = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="the mail server rejects the address")
_MAILBOX = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="the mailbox takes no messages")
_MESSAGE = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail="the mail server rejects the message")
_TOO_LARGE = AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail="the message is too large for the mail server")
_POLICY = AttemptResult(
    Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail="the mail server rejects the message by its policy, for example as spam"
)
_SENDER_CHECK = AttemptResult(
    Outcome.REJECTED_PERMANENT,
    Reason.REJECTED_PERMANENT,
    detail="the message fails DKIM, SPF or DMARC: check the sender's DNS records",
)
_LATER = AttemptResult(Outcome.NOT_SENT, detail="the mail server takes the message later")
_SLOWER = AttemptResult(Outcome.THROTTLED, detail="the mail server asks for fewer messages")
_CREDENTIALS = build_account_fault(0, "the mail server rejects the user or the password: check providers.smtp.username and password")
_SENDER = build_account_fault(0, "the mail server does not send for this account or sender: check providers.smtp.from_email")
_NO_TLS = build_account_fault(0, "the mail server offers no STARTTLS: check providers.smtp.security")

ENHANCED_CODES: Mapping[str, AttemptResult] = {
    # X.1.X: addressing status (RFC 3463, 3.2)
    "5.1.1": _RECIPIENT,  # bad destination mailbox address
    "5.1.2": _RECIPIENT,  # bad destination system address
    "5.1.3": _RECIPIENT,  # bad destination mailbox address syntax
    "5.1.4": _RECIPIENT,  # destination mailbox address ambiguous
    "5.1.6": _RECIPIENT,  # destination mailbox has moved
    "5.1.7": _SENDER,  # bad sender's mailbox address syntax
    "5.1.8": _SENDER,  # bad sender's system address
    "5.1.10": _RECIPIENT,  # recipient address has null MX (RFC 7505)
    # X.2.X: mailbox status (3.3)
    "5.2.0": _MAILBOX,
    "5.2.1": _MAILBOX,  # mailbox disabled
    "5.2.2": _MAILBOX,  # mailbox full
    "5.2.3": _TOO_LARGE,  # message length exceeds administrative limit
    "4.2.1": _LATER,  # mailbox disabled for now, or greylisted
    "4.2.2": _LATER,  # mailbox full for now
    # X.3.X: mail system status (3.4)
    "5.3.4": _TOO_LARGE,  # message too big for system
    # X.4.X: network and routing status (3.5)
    "5.4.1": _RECIPIENT,  # no answer from host; Microsoft's servers say so of unknown recipients
    "5.4.4": _RECIPIENT,  # unable to route
    "4.4.5": _SLOWER,  # mail system congestion
    # X.5.X: mail delivery protocol status (3.6)
    "4.5.3": _LATER,  # too many recipients
    # X.7.X: security or policy status (3.8)
    "5.7.8": _CREDENTIALS,  # authentication credentials invalid (RFC 4954)
    "5.7.9": _CREDENTIALS,  # authentication mechanism is too weak (RFC 4954)
    "5.7.11": _CREDENTIALS,  # encryption required for requested authentication mechanism (RFC 4954)
    "5.7.13": _CREDENTIALS,  # user account disabled (RFC 5248)
    "5.7.14": _CREDENTIALS,  # trust relationship required (RFC 5248)
    "5.7.20": _SENDER_CHECK,  # no passing DKIM signature found (RFC 7372)
    "5.7.21": _SENDER_CHECK,  # no acceptable DKIM signature found
    "5.7.22": _SENDER_CHECK,  # no valid author-matched DKIM signature found
    "5.7.23": _SENDER_CHECK,  # SPF validation failed
    "5.7.24": _SENDER_CHECK,  # SPF validation error
    "5.7.25": _SENDER_CHECK,  # reverse DNS validation failed
    "5.7.26": _SENDER_CHECK,  # multiple authentication checks failed
    "5.7.27": _SENDER,  # sender address has null MX (RFC 7505)
    "4.7.0": _SLOWER,  # other security status: what servers say of too many messages or connections
    "4.7.1": _LATER,  # delivery not authorized for now: greylisting
}

STAGE_CODES: Mapping[tuple[SmtpStage, int], AttemptResult] = {
    ("connect", 554): build_account_fault(0, "the mail server takes no messages from this host"),  # RFC 5321, 3.1
    ("starttls", 502): _NO_TLS,  # RFC 5321, 4.2.2: command not implemented
    ("auth", 454): _LATER,  # temporary authentication failure (RFC 4954)
    ("auth", 530): _CREDENTIALS,
    ("auth", 534): _CREDENTIALS,
    ("auth", 535): _CREDENTIALS,
    ("auth", 538): _CREDENTIALS,
    ("mail", 530): _CREDENTIALS,  # authentication required (RFC 4954)
    ("mail", 550): _SENDER,
    ("mail", 552): _TOO_LARGE,
    ("mail", 553): _SENDER,
    ("mail", 554): _SENDER,
    ("rcpt", 530): _CREDENTIALS,
    ("rcpt", 550): _RECIPIENT,  # mailbox unavailable
    ("rcpt", 551): _RECIPIENT,  # user not local
    ("rcpt", 552): _MAILBOX,  # exceeded storage allocation
    ("rcpt", 553): _RECIPIENT,  # mailbox name not allowed
    ("data", 550): _POLICY,
    ("data", 552): _TOO_LARGE,
    ("data", 554): _POLICY,  # transaction failed
}


def classify(reply: SmtpReply) -> AttemptResult:
    """The result of a reply. An enhanced code counts before the code; what is in no table is a failure for now (4yz) or for good (5yz)."""
    if reply.stage == "data" and reply.code == 250:
        return AttemptResult(Outcome.ACCEPTED, "", 250, reply.message_id)
    found = ENHANCED_CODES.get(reply.enhanced_code) if reply.code // 100 == int(reply.enhanced_code[:1] or 0) else None
    return found or STAGE_CODES.get((reply.stage, reply.code)) or _classify_by_class(reply)


def _classify_by_class(reply: SmtpReply) -> AttemptResult:
    if reply.code == 421:  # service not available, closing transmission channel: to any command (RFC 5321, 3.8)
        return _SLOWER if reply.stage in ("mail", "rcpt", "data") else _LATER
    if 400 <= reply.code < 500:
        return _LATER
    if reply.stage == "auth":
        return _CREDENTIALS
    if reply.enhanced_code.startswith("5.1.") and reply.stage == "rcpt":
        return _RECIPIENT
    return _POLICY if reply.enhanced_code.startswith("5.7.") else _MESSAGE
