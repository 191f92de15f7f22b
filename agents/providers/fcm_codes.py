"""FCM's error codes of messages:send and what each means for a delivery.

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode (all codes of FcmError),
https://firebase.google.com/docs/cloud-messaging/error-codes (HTTP statuses, and that INVALID_ARGUMENT is about the token or about the
payload), https://cloud.google.com/apis/design/errors (UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND). QUOTA_EXCEEDED comes with 429,
INTERNAL and UNAVAILABLE with 5xx, UNSPECIFIED_ERROR with any status: the status decides then.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from agents.providers.response import build_account_fault
from schemas.enums import Outcome, Reason, Status
from schemas.outcome import AttemptResult

_OF_ONE_PLATFORM: Final = (Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED)  # the project works for the others

INVALID_TOKEN: Final = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.INVALID_TOKEN, detail="not a registration token")

ERROR_CODES: Final[Mapping[str, AttemptResult]] = {
    "UNREGISTERED": AttemptResult(
        Outcome.REJECTED_RECIPIENT, Reason.UNREGISTERED_TOKEN, status=Status.BOUNCED, detail="the app was removed"
    ),
    "SENDER_ID_MISMATCH": AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.SENDER_ID_MISMATCH, detail="a token of another project"),
    "THIRD_PARTY_AUTH_ERROR": AttemptResult(*_OF_ONE_PLATFORM, detail="the APNs certificate or web push key is wrong"),
    "APNS_AUTH_ERROR": AttemptResult(*_OF_ONE_PLATFORM, detail="the APNs certificate is wrong"),
}
"""The result for each code that the HTTP status does not tell."""

HTTP_STATUSES: Final[Mapping[int, AttemptResult]] = {
    401: build_account_fault(401, "the access token was rejected: check the file in providers.fcm.service_account_file"),
    403: build_account_fault(403, "the service account may not send"),
    404: build_account_fault(404, "no such project: check providers.fcm.project_id"),
}
"""The result for each HTTP status without a code of FCM."""

FOREIGN_PAGE: Final = build_account_fault(404, "the response is not one of FCM: check providers.fcm.url")

QUOTA_RETRY_AFTER: Final = 60.0
"""Seconds to wait after a 429 that names no time (https://firebase.google.com/docs/cloud-messaging/scale-fcm): quotas are per minute."""

_TOKEN_FIELDS: Final = ("message.token", "message.fid")


def is_token_error(fields: Sequence[str], message: str) -> bool:
    """Whether a 400 is about the token: by the fields that it names, or, for a malformed token, by its message.

    In doubt it is not: the device is kept.
    """
    return all(field in _TOKEN_FIELDS for field in fields) if fields else "registration token" in message.lower()
