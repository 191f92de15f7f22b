"""FCM's HTTP v1 messages:send (firebase.google.com/docs/reference/fcm/rest/v1): 200 with a name, or a Google API error with FcmError."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from twins.misfits import misfit_of
from twins.scripts import Act, Script, script_of
from twins.values import Asked, Moment, Refused, Reply, Request, Target

MOST_PAYLOAD = 4096
_PATH = re.compile(rb"/v1/projects/([^/]+)/messages:send").fullmatch
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_AUTHENTICATE = b'WWW-Authenticate: Bearer realm="https://accounts.google.com/", error="invalid_token"\r\n'


class Message(Struct, forbid_unknown_fields=True):
    token: str = ""
    fid: str = ""
    topic: str = ""
    condition: str = ""
    name: str = ""
    data: dict[str, str] = {}
    notification: Raw | UnsetType = UNSET
    android: Raw | UnsetType = UNSET
    androidV2: Raw | UnsetType = UNSET
    webpush: Raw | UnsetType = UNSET
    apns: Raw | UnsetType = UNSET
    fcm_options: Raw | UnsetType = UNSET
    fcmOptions: Raw | UnsetType = UNSET


class Send(Struct, forbid_unknown_fields=True):
    message: Message
    validate_only: bool = False
    validateOnly: bool = False


_decode = msgspec.json.Decoder(Send).decode


class Details(NamedTuple):
    """What the answer needs of the request."""

    project: str
    validate_only: bool


class Fcm:
    """Needs `Authorization: Bearer`; a token that ends with `revoked` is answered 401. The delivery id is message.data.delivery_id."""

    name = "fcm"

    def read(self, request: Request) -> Asked | Refused:
        path = _PATH(request.path)
        if path is None or request.method != b"POST":
            return Refused(_error(404, "NOT_FOUND", "Requested entity was not found."))
        if request.oversize:
            return Refused(_error(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit."))
        authorization = request.headers.get(b"authorization", b"")
        if not authorization.startswith(b"Bearer ") or authorization.endswith(b"revoked"):
            return Refused(_unauthenticated())
        try:
            send = _decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Refused(_bad_payload(str(error)))
        message = send.message
        target = _target(message)
        if sum(map(bool, (message.token, message.fid, message.topic, message.condition))) != 1:
            return Refused(_fcm_error(400, "INVALID_ARGUMENT", "Recipient of the message is not set.", "INVALID_ARGUMENT"), [target])
        if _payload(message) > MOST_PAYLOAD:
            return Refused(_fcm_error(400, "INVALID_ARGUMENT", "Message is too big", "INVALID_ARGUMENT"), [target])
        details = Details(path[1].decode("utf-8", "replace"), send.validate_only or send.validateOnly)
        return Asked((target,), script_of(message.token or message.fid), details)

    def reply(self, details: Details, script: Script, moment: Moment) -> Reply:
        act = script.act
        if act is Act.ACCEPT:
            number = "fake_message_id" if details.validate_only else f"0:{moment.number:x}"
            return Reply(200, msgspec.json.encode({"name": f"projects/{details.project}/messages/{number}"}))
        if act is Act.UNSUBSCRIBED:
            return _fcm_error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        if act is Act.BOUNCE:
            message = "The registration token is not a valid FCM registration token"
            return _fcm_error(400, "INVALID_ARGUMENT", message, "INVALID_ARGUMENT")
        if act is Act.REJECT:
            return _bad_payload("Invalid value (TYPE_STRING) - at `$.message.notification.title`")
        if act is Act.THROTTLE:
            return _fcm_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED")._replace(headers=b"Retry-After: 1\r\n")
        return _fcm_error(500, "INTERNAL", "Internal error encountered.", "INTERNAL")


def _target(message: Message) -> Target:
    address = message.token or message.fid or (f"topic:{message.topic}" if message.topic else message.condition)
    return Target(message.data.get("delivery_id", ""), address)


def _payload(message: Message) -> int:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in message.data.items())
    return size + (0 if isinstance(message.notification, UnsetType) else len(bytes(message.notification)))


def _error(code: int, status: str, message: str, details: Sequence[dict[str, Any]] = ()) -> Reply:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return Reply(code, msgspec.json.encode({"error": error}))


def _fcm_error(code: int, status: str, message: str, fcm: str) -> Reply:
    return _error(code, status, message, [{"@type": _FCM_ERROR, "errorCode": fcm}])


def _bad_payload(problem: str) -> Reply:
    misfit = misfit_of(problem)
    if not misfit.place:
        return _error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {problem}")
    message = f"Invalid value at '{misfit.place}': {misfit.problem}"
    violations = [{"field": misfit.place, "description": message}]
    return _error(400, "INVALID_ARGUMENT", message, [{"@type": _BAD_REQUEST, "fieldViolations": violations}])


def _unauthenticated() -> Reply:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication"
        " credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return _error(401, "UNAUTHENTICATED", message)._replace(headers=_AUTHENTICATE)
