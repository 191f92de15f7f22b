"""Authenticator apps and passkeys of /v1/auth: how people add and remove them, and the login by passkey."""

from typing import Annotated, Any

from litestar import Response, Router, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from app.api.access import AUTHENTICATED, PUBLIC
from app.api.auth_bodies import (
    ConfirmationBody,
    EmptyBody,
    PasskeyBody,
    PasskeyList,
    PasskeyLoginBody,
    RecoveryCodesResponse,
    TokenResponse,
    TotpCodeBody,
    TotpSecretResponse,
)
from app.api.auth_requests import (
    LOGIN_ERRORS,
    PERSON_ERRORS,
    TOO_MANY,
    build_person_origin,
    check_cookie_mode,
    confirm_person,
    count_login,
    get_auth,
    get_client,
    get_person,
    respond_granted,
    unwrap,
)
from app.api.bodies import decode_json, decode_stored_body
from app.api.dependencies import ApiRequest
from app.api.openapi import describe_body, describe_problem
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.auth.login import check_quotas
from app.auth.login_limits import build_address_quotas
from app.auth.session_service import Denied
from schemas.accounts import Passkey

EXAMPLE_CONFIRMATION = {"password": "several words in a row"}
EXAMPLE_CREDENTIAL: dict[str, Any] = {
    "id": "cGFzc2tleQ",
    "rawId": "cGFzc2tleQ",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
}
EXAMPLE_ANSWER = {**EXAMPLE_CREDENTIAL, "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}}
CONFIRMED_ERRORS = {**PERSON_ERRORS, **TOO_MANY}
PasskeyIdParameter = Annotated[str, PathParameter(description="the id of the passkey", max_length=64)]
WebAuthnOptions = dict[str, Any]


@post(
    "/totp",
    opt=AUTHENTICATED,
    operation_class=describe_body("ConfirmationBody", EXAMPLE_CONFIRMATION),
    responses={**CONFIRMED_ERRORS, 409: describe_problem("the account has an authenticator app already, or people cannot log in here")},
    status_code=200,
    summary="Add an authenticator app",
    operation_id="enrol_totp",
)
async def enrol_totp(request: ApiRequest) -> Response[TotpSecretResponse]:
    """The secret that the app shares, also as the text of a QR code. It counts once a code was confirmed."""
    person = await confirm_person(request, await _read_password(request))
    enrolment = await get_auth(request).factors.enrol(person.id, person.email)
    if enrolment is None:
        raise ProblemError(build_problem("conflict", "the account has an authenticator app: remove it first"))
    return Response(TotpSecretResponse(*enrolment), headers={"cache-control": "no-store"})


@post(
    "/totp/confirm",
    opt=AUTHENTICATED,
    operation_class=describe_body("TotpCodeBody", {"code": "482193"}),
    responses={**PERSON_ERRORS, **TOO_MANY},
    status_code=200,
    summary="Confirm an authenticator app",
    operation_id="confirm_totp",
)
async def confirm_totp(request: ApiRequest) -> Response[RecoveryCodesResponse]:
    """From now on a login by password needs a code. The recovery codes are shown only now."""
    body, person, auth = await decode_stored_body(request, TotpCodeBody), get_person(request), get_auth(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    codes = await auth.factors.confirm(person.id, body.code, build_person_origin(person))
    if codes is None:
        error = build_field_error("$.code", "is not a code of the app that was added last: check the clock of the device", "invalid_code")
        raise ProblemError(build_validation_problem([error]))
    return Response(RecoveryCodesResponse(codes), headers={"cache-control": "no-store"})


@post(
    "/totp/disable",
    opt=AUTHENTICATED,
    operation_class=describe_body("ConfirmationBody", EXAMPLE_CONFIRMATION),
    responses=CONFIRMED_ERRORS,
    status_code=204,
    summary="Remove the authenticator app",
    operation_id="disable_totp",
)
async def disable_totp(request: ApiRequest) -> None:
    """Removes the recovery codes, too."""
    person = await confirm_person(request, await _read_password(request))
    await get_auth(request).credentials.disable_totp(person.id, build_person_origin(person))


@get("/passkeys", opt=AUTHENTICATED, responses=PERSON_ERRORS, summary="List own passkeys", operation_id="list_passkeys")
async def list_passkeys(request: ApiRequest) -> PasskeyList:
    """Oldest first; an account has at most 20."""
    return PasskeyList(await get_auth(request).passkeys.store.list_passkeys(get_person(request).id))


@post(
    "/passkeys/options",
    opt=AUTHENTICATED,
    operation_class=describe_body("ConfirmationBody", EXAMPLE_CONFIRMATION),
    responses=CONFIRMED_ERRORS,
    status_code=200,
    summary="Begin to add a passkey",
    operation_id="begin_passkey",
)
async def begin_passkey(request: ApiRequest) -> WebAuthnOptions:
    """The options for navigator.credentials.create(), which count for five minutes."""
    person = await confirm_person(request, await _read_password(request))
    return await get_auth(request).passkeys.begin_registration(person.id, person.email, person.name)


@post(
    "/passkeys",
    opt=AUTHENTICATED,
    operation_class=describe_body("PasskeyBody", {"name": "laptop", "credential": EXAMPLE_CREDENTIAL}),
    responses={
        201: ResponseSpec(Passkey, description="added"),
        **PERSON_ERRORS,
        409: describe_problem("the passkey is known already, or the account has too many"),
    },
    summary="Add a passkey",
    operation_id="add_passkey",
)
async def add_passkey(request: ApiRequest) -> Passkey:
    """By the answer of navigator.credentials.create() to the options."""
    body, person = await decode_stored_body(request, PasskeyBody), get_person(request)
    origin = build_person_origin(person)
    return unwrap(await get_auth(request).passkeys.register(person.id, body.credential, body.name, origin))


@delete(
    "/passkeys/{passkey_id:str}",
    opt=AUTHENTICATED,
    responses={**CONFIRMED_ERRORS, 404: describe_problem("no such passkey of this account")},
    summary="Remove a passkey",
    operation_id="delete_passkey",
)
async def delete_passkey(request: ApiRequest, passkey_id: PasskeyIdParameter) -> None:
    """It logs nobody in any more; sessions that it began go on."""
    person = get_person(request)
    if not await get_auth(request).passkeys.store.delete(passkey_id, person.id, build_person_origin(person)):
        raise ProblemError(build_problem("not-found", f"the account has no passkey {passkey_id[:64]!r}"))


@post(
    "/passkey-login/options",
    opt=PUBLIC,
    operation_class=describe_body("EmptyBody", {}),
    responses=LOGIN_ERRORS,
    status_code=200,
    summary="Begin a login by passkey",
    operation_id="begin_passkey_login",
)
async def begin_passkey_login(request: ApiRequest) -> WebAuthnOptions:
    """The options for navigator.credentials.get(), which count for five minutes and name no account."""
    decode_json(await request.body() or b"{}", EmptyBody)
    auth = get_auth(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    return await auth.passkeys.begin_login()


@post(
    "/passkey-login",
    opt=PUBLIC,
    operation_class=describe_body("PasskeyLoginBody", {"credential": EXAMPLE_ANSWER}),
    responses={200: ResponseSpec(TokenResponse, description="the tokens of a new session"), **LOGIN_ERRORS},
    status_code=200,
    summary="Log in by passkey",
    operation_id="login_by_passkey",
)
async def login_by_passkey(request: ApiRequest) -> Response[TokenResponse]:
    """A passkey needs the device and the person, so no code is asked for."""
    body, auth, client = await decode_stored_body(request, PasskeyLoginBody), get_auth(request), get_client(request)
    check_cookie_mode(request, body.cookie)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(client.address)))
    account = await auth.passkeys.check_login(body.credential)
    result = account if isinstance(account, Denied) else await auth.sessions.start(account, "passkey", client, body.project)
    return respond_granted(request, count_login(request, "passkey", result), is_cookie=body.cookie)


async def _read_password(request: ApiRequest) -> str:
    """The password of a body that may be empty. Raises ProblemError."""
    return decode_json(await request.body() or b"{}", ConfirmationBody).password


router = Router(
    "/v1/auth",
    route_handlers=[
        enrol_totp,
        confirm_totp,
        disable_totp,
        list_passkeys,
        begin_passkey,
        add_passkey,
        delete_passkey,
        begin_passkey_login,
        login_by_passkey,
    ],
    tags=["login"],
)
