"""Why a login at the OpenID provider is denied, as values: what the gateway found out itself, and what the provider answers."""

from typing import Final

from app.auth.session_service import Denied

CANCELLED: Final = "access_denied"
TEMPORARY: Final = frozenset({"server_error", "temporarily_unavailable"})
KNOWN_ERRORS: Final = frozenset(
    {
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
    }
)
"""Of RFC 6749, 4.1.2.1, and OpenID Connect Core 1.0, 3.1.2.6. Another text may be anybody's, and is not repeated."""

EXPIRED: Final = Denied(
    "login-failed", "the login has taken too long, was used before, or began in another browser: begin again", code="login_expired"
)
NOT_CONFIRMED: Final = Denied("login-failed", "the OpenID provider does not confirm who it is: begin again", code="not_confirmed")
NOT_ALLOWED: Final = Denied("login-failed", "the OpenID provider did not let the person in, or the person cancelled", code="cancelled")
NO_ACCOUNT: Final = Denied(
    "login-failed", "there is no account for this person, and the OpenID provider gives no role in Herold", code="no_account"
)
NOT_VERIFIED: Final = Denied(
    "login-failed",
    "no account belongs to the subject, and the OpenID provider has verified no e-mail address of it",
    code="email_not_verified",
)
NO_ROLE: Final = Denied("login-failed", "the OpenID provider gives this account no role in Herold (any more)", code="no_role")
PROVIDER_DOWN: Final = Denied(
    "unavailable", "the OpenID provider or Redis does not answer; a login by password still works", 5, code="provider_unavailable"
)


def read_provider_error(error: str) -> Denied:
    """Why the provider sends somebody back without a code; `error` is its parameter of this name."""
    if error == CANCELLED:
        return NOT_ALLOWED
    if error in TEMPORARY:
        return PROVIDER_DOWN
    name = f" ({error})" if error in KNOWN_ERRORS else ""
    detail = f"the OpenID provider does not accept the request{name}: auth.oidc may differ from what is registered there"
    return Denied("login-failed", detail, code="provider_rejects")
