"""The words of a delivery's reasons: what each means, and what would have changed it."""

from collections.abc import Mapping

from schemas.enums import Reason

REASONS: Mapping[str, str] = {
    Reason.EXPIRED: "it expired before it could be sent",
    Reason.REJECTED_RECIPIENT: "the provider rejected the address",
    Reason.REJECTED_PERMANENT: "the provider rejected the message",
    Reason.OPTED_OUT: "the recipient has opted out",
    Reason.NOT_OPTED_IN: "such messages need the user's opt-in, and there was none any more",
    Reason.SUPPRESSED: "the address is on the suppression list",
    Reason.UNREGISTERED_TOKEN: "the app was removed from the device",
    Reason.INVALID_TOKEN: "the provider does not know the device's token",
    Reason.SENDER_ID_MISMATCH: "the device's token belongs to another project",
    Reason.ADDRESS_NOT_ALLOWED: "its host has an address that Herold may not connect to",
    Reason.ENDPOINT_GONE: "the endpoint is gone",
    Reason.ENDPOINT_DISABLED: "the webhook endpoint is disabled",
    Reason.TOO_LARGE: "its content is larger than the channel takes",
    Reason.MISCONFIGURED: "the account at the provider does not allow it",
    Reason.RETRIES_EXHAUSTED: "all attempts failed",
    Reason.UNKNOWN: "the provider did not answer, so it may have arrived, and it must not be sent twice or had expired",
    Reason.FOUND_BY_RECEIPT: "the provider did not answer, but reported it later",
    Reason.FOUND_AT_PROVIDER: "the provider did not answer, but has it, as it says when asked",
    Reason.CANCELLED: "it was cancelled while it waited for its next attempt",
    Reason.UNEXPECTED_ERROR: "an unexpected error in Herold, which its dead letter describes",
    Reason.INVALID: "its content is not what the channel takes",
    Reason.BOUNCED: "there is no such mailbox or number, as its server or carrier reported",
    Reason.BLOCKED: "the receiving server refused this message",
    Reason.DROPPED: "the provider did not try to send it",
    Reason.COMPLAINED: "the recipient reported it as spam",
    Reason.UNDELIVERED: "the provider had taken it and could not deliver it",
    Reason.FILTERED: "the carrier filtered it",
    Reason.CANCELED: "it was canceled at the provider",
    Reason.TOO_MANY_BOUNCES: "too many e-mails of its category bounced, so that they wait",
}
"""What each reason means, as a clause."""

REMEDIES: Mapping[str, str] = {
    Reason.EXPIRED: "a provider would have had to take it earlier, or the producer to give it a later expires_at",
    Reason.REJECTED_RECIPIENT: "the address would have to be corrected",
    Reason.REJECTED_PERMANENT: "what the attempt's detail names would have to be corrected, and the dead letter sent again",
    Reason.OPTED_OUT: "the recipient would have to opt in again: to such messages, or if the provider said so, there (START by SMS)",
    Reason.NOT_OPTED_IN: "the user would have to opt in to such messages",
    Reason.SUPPRESSED: "an operator would have to undo the suppression of the address",
    Reason.UNREGISTERED_TOKEN: "the app would have to be installed again and register a new token",
    Reason.INVALID_TOKEN: "the app would have to register a valid token",
    Reason.SENDER_ID_MISMATCH: "the app would have to register a token of the project that Herold sends for",
    Reason.ADDRESS_NOT_ALLOWED: "the host would have to have a public address, or an operator to allow its network",
    Reason.ENDPOINT_DISABLED: "the endpoint would have to be enabled again, with `herold webhooks enable`",
    Reason.TOO_LARGE: "the producer would have to send less, such as an id instead of all that it stands for",
    Reason.ENDPOINT_GONE: "the receiver would have to restore the endpoint, or the producer to name another",
    Reason.MISCONFIGURED: "an operator would have to correct the account or the settings, and send the dead letter again",
    Reason.RETRIES_EXHAUSTED: "the provider would have had to accept one of the attempts; the dead letter can be sent again",
    Reason.UNKNOWN: "the provider would have had to answer or to report it later; who knows that it did not arrive can send it again",
    Reason.CANCELLED: "whoever cancelled it would have to submit the notification again",
    Reason.UNEXPECTED_ERROR: "the error would have to be fixed, and the dead letter sent again",
    Reason.INVALID: "the producer of the delivery would have to correct it",
    Reason.BOUNCED: "the address would have to be corrected; it is suppressed until an operator undoes that",
    Reason.BLOCKED: "the receiving server would have to accept the sender and the content; the next message is tried again",
    Reason.DROPPED: "what the attempt's detail names would have to be corrected at the provider",
    Reason.COMPLAINED: "the recipient would have to ask for such messages again, and an operator to undo the suppression",
    Reason.UNDELIVERED: "the telephone or server would have to be reachable; the message can be sent again",
    Reason.FILTERED: "the sender would have to be registered with the carrier, and the text to look less like spam",
    Reason.CANCELED: "nobody would have had to cancel it at the provider",
    Reason.TOO_MANY_BOUNCES: "fewer e-mails of the category would have had to bounce; it is tried again by itself",
}
"""What would have changed each, as a clause."""
