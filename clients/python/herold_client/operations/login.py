"""The operations on login. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport


class Login(Transport):
    """The operations on login."""

    def create_first_admin(self, body: models.FirstAdminBody) -> models.Account:
        """Make the first account. With the link that the gateway prints when it starts and there is no account."""
        result: models.Account = self.call(Request("POST", "/v1/auth/first-admin", body=encode_body(body)), {201: models.Account})
        return result

    def get_jwks(self) -> models.JwkSet:
        """Get the keys of access tokens. The public keys as a JSON Web Key Set: the first signs, all verify."""
        result: models.JwkSet = self.call(Request("GET", "/v1/auth/jwks.json"), {200: models.JwkSet})
        return result

    def login(self, body: models.LoginBody) -> models.TokenResponse:
        """Log in by password. An access token for minutes, and a refresh token. The answer for an unknown address is that for a wrong password."""
        result: models.TokenResponse = self.call(Request("POST", "/v1/auth/login", body=encode_body(body)), {200: models.TokenResponse})
        return result

    def logout(self, body: models.LogoutBody) -> None:
        """End a session. Ends the session of a refresh token, if there is one; its access tokens end within 30 s."""
        result: None = self.call(Request("POST", "/v1/auth/logout", body=encode_body(body)), {204: None})
        return result

    def logout_everywhere(self, body: models.EmptyBody) -> None:
        """End all sessions. Ends all sessions of the account, this one, too."""
        result: None = self.call(Request("POST", "/v1/auth/logout-everywhere", body=encode_body(body)), {204: None})
        return result

    def get_me(self) -> models.PersonResponse:
        """Get who is logged in. The account, with what it may do."""
        result: models.PersonResponse = self.call(Request("GET", "/v1/auth/me"), {200: models.PersonResponse})
        return result

    def change_me(self, body: models.PersonChange) -> models.PersonResponse:
        """Change the own name. The address and the role are what `accounts:write` is for."""
        result: models.PersonResponse = self.call(Request("PATCH", "/v1/auth/me", body=encode_body(body)), {200: models.PersonResponse})
        return result

    def get_login_methods(self) -> models.LoginMethodsResponse:
        """Get how people log in. What a login page offers. It does not depend on who asks, and may be kept for a minute."""
        result: models.LoginMethodsResponse = self.call(Request("GET", "/v1/auth/methods"), {200: models.LoginMethodsResponse})
        return result

    def finish_oidc_login(
        self, *, state: str | None = None, code: str | None = None, iss: str | None = None, error: str | None = None
    ) -> None:
        """End a login at the OpenID provider. Where the provider sends the browser. The login must have begun in the same browser, minutes ago."""
        result: None = self.call(
            Request("GET", "/v1/auth/oidc/callback", query={"state": state, "code": code, "iss": iss, "error": error}), {303: None}
        )
        return result

    def begin_oidc_login(self, *, return_to: str | None = None) -> None:
        """Begin a login at the OpenID provider. Sends the browser to the provider. A `return_to` that is no path of ours means the first page."""
        result: None = self.call(Request("GET", "/v1/auth/oidc/start", query={"return_to": return_to}), {302: None, 303: None})
        return result

    def login_by_passkey(self, body: models.PasskeyLoginBody) -> models.TokenResponse:
        """Log in by passkey. A passkey needs the device and the person, so no code is asked for."""
        result: models.TokenResponse = self.call(
            Request("POST", "/v1/auth/passkey-login", body=encode_body(body)), {200: models.TokenResponse}
        )
        return result

    def begin_passkey_login(self, body: models.EmptyBody) -> dict[str, Any]:
        """Begin a login by passkey. The options for navigator.credentials.get(), which count for five minutes and name no account."""
        result: dict[str, Any] = self.call(Request("POST", "/v1/auth/passkey-login/options", body=encode_body(body)), {200: dict[str, Any]})
        return result

    def list_passkeys(self) -> models.PasskeyList:
        """List own passkeys. Oldest first; an account has at most 20."""
        result: models.PasskeyList = self.call(Request("GET", "/v1/auth/passkeys"), {200: models.PasskeyList})
        return result

    def add_passkey(self, body: models.PasskeyBody) -> models.Passkey:
        """Add a passkey. By the answer of navigator.credentials.create() to the options."""
        result: models.Passkey = self.call(Request("POST", "/v1/auth/passkeys", body=encode_body(body)), {201: models.Passkey})
        return result

    def begin_passkey(self, body: models.ConfirmationBody) -> dict[str, Any]:
        """Begin to add a passkey. The options for navigator.credentials.create(), which count for five minutes."""
        result: dict[str, Any] = self.call(Request("POST", "/v1/auth/passkeys/options", body=encode_body(body)), {200: dict[str, Any]})
        return result

    def delete_passkey(self, passkey_id: str) -> None:
        """Remove a passkey. It logs nobody in any more; sessions that it began go on."""
        result: None = self.call(Request("DELETE", "/v1/auth/passkeys/{passkey_id}", path_values={"passkey_id": passkey_id}), {204: None})
        return result

    def change_password(self, body: models.PasswordChangeBody) -> models.TokenResponse:
        """Change the own password. Ends all other sessions. This one goes on with the access token of the answer, and the refresh token that it has."""
        result: models.TokenResponse = self.call(Request("POST", "/v1/auth/password", body=encode_body(body)), {200: models.TokenResponse})
        return result

    def request_password_reset(self, body: models.PasswordResetBody) -> models.AcceptedResponse:
        """Send a link to choose a password. To an account with this address goes an e-mail with a link that works once, for half an hour by default."""
        result: models.AcceptedResponse = self.call(
            Request("POST", "/v1/auth/password-reset", body=encode_body(body)), {202: models.AcceptedResponse}
        )
        return result

    def confirm_password_reset(self, body: models.LinkPasswordBody) -> None:
        """Choose a password by a link. Ends all sessions of the account. It does not log in: a code is still needed, if the account has an authenticator app."""
        result: None = self.call(Request("POST", "/v1/auth/password-reset/confirm", body=encode_body(body)), {204: None})
        return result

    def refresh_tokens(self, body: models.RefreshBody) -> models.TokenResponse:
        """Exchange a refresh token. Each refresh token is exchanged once; one that comes again after more than 10 s ends its session."""
        result: models.TokenResponse = self.call(Request("POST", "/v1/auth/refresh", body=encode_body(body)), {200: models.TokenResponse})
        return result

    def list_sessions(self, *, limit: int | None = None, cursor: str | None = None) -> models.SessionPage:
        """List own sessions. Those that have not ended, newest first."""
        result: models.SessionPage = self.call(
            Request("GET", "/v1/auth/sessions", query={"limit": limit, "cursor": cursor}), {200: models.SessionPage}
        )
        return result

    def iterate_sessions(self, *, limit: int | None = None) -> Iterator[models.SessionResponse]:
        """All items of `list_sessions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_sessions(limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def end_session(self, session_id: str) -> None:
        """End one of the own sessions. Its access tokens end within 30 s."""
        result: None = self.call(Request("DELETE", "/v1/auth/sessions/{session_id}", path_values={"session_id": session_id}), {204: None})
        return result

    def enrol_totp(self, body: models.ConfirmationBody) -> models.TotpSecretResponse:
        """Add an authenticator app. The secret that the app shares, also as the text of a QR code. It counts once a code was confirmed."""
        result: models.TotpSecretResponse = self.call(
            Request("POST", "/v1/auth/totp", body=encode_body(body)), {200: models.TotpSecretResponse}
        )
        return result

    def confirm_totp(self, body: models.TotpCodeBody) -> models.RecoveryCodesResponse:
        """Confirm an authenticator app. From now on a login by password needs a code. The recovery codes are shown only now."""
        result: models.RecoveryCodesResponse = self.call(
            Request("POST", "/v1/auth/totp/confirm", body=encode_body(body)), {200: models.RecoveryCodesResponse}
        )
        return result

    def disable_totp(self, body: models.ConfirmationBody) -> None:
        """Remove the authenticator app. Removes the recovery codes, too."""
        result: None = self.call(Request("POST", "/v1/auth/totp/disable", body=encode_body(body)), {204: None})
        return result


class AsyncLogin(AsyncTransport):
    """The operations on login, to await."""

    async def create_first_admin(self, body: models.FirstAdminBody) -> models.Account:
        """Make the first account. With the link that the gateway prints when it starts and there is no account."""
        result: models.Account = await self.call(Request("POST", "/v1/auth/first-admin", body=encode_body(body)), {201: models.Account})
        return result

    async def get_jwks(self) -> models.JwkSet:
        """Get the keys of access tokens. The public keys as a JSON Web Key Set: the first signs, all verify."""
        result: models.JwkSet = await self.call(Request("GET", "/v1/auth/jwks.json"), {200: models.JwkSet})
        return result

    async def login(self, body: models.LoginBody) -> models.TokenResponse:
        """Log in by password. An access token for minutes, and a refresh token. The answer for an unknown address is that for a wrong password."""
        result: models.TokenResponse = await self.call(
            Request("POST", "/v1/auth/login", body=encode_body(body)), {200: models.TokenResponse}
        )
        return result

    async def logout(self, body: models.LogoutBody) -> None:
        """End a session. Ends the session of a refresh token, if there is one; its access tokens end within 30 s."""
        result: None = await self.call(Request("POST", "/v1/auth/logout", body=encode_body(body)), {204: None})
        return result

    async def logout_everywhere(self, body: models.EmptyBody) -> None:
        """End all sessions. Ends all sessions of the account, this one, too."""
        result: None = await self.call(Request("POST", "/v1/auth/logout-everywhere", body=encode_body(body)), {204: None})
        return result

    async def get_me(self) -> models.PersonResponse:
        """Get who is logged in. The account, with what it may do."""
        result: models.PersonResponse = await self.call(Request("GET", "/v1/auth/me"), {200: models.PersonResponse})
        return result

    async def change_me(self, body: models.PersonChange) -> models.PersonResponse:
        """Change the own name. The address and the role are what `accounts:write` is for."""
        result: models.PersonResponse = await self.call(
            Request("PATCH", "/v1/auth/me", body=encode_body(body)), {200: models.PersonResponse}
        )
        return result

    async def get_login_methods(self) -> models.LoginMethodsResponse:
        """Get how people log in. What a login page offers. It does not depend on who asks, and may be kept for a minute."""
        result: models.LoginMethodsResponse = await self.call(Request("GET", "/v1/auth/methods"), {200: models.LoginMethodsResponse})
        return result

    async def finish_oidc_login(
        self, *, state: str | None = None, code: str | None = None, iss: str | None = None, error: str | None = None
    ) -> None:
        """End a login at the OpenID provider. Where the provider sends the browser. The login must have begun in the same browser, minutes ago."""
        result: None = await self.call(
            Request("GET", "/v1/auth/oidc/callback", query={"state": state, "code": code, "iss": iss, "error": error}), {303: None}
        )
        return result

    async def begin_oidc_login(self, *, return_to: str | None = None) -> None:
        """Begin a login at the OpenID provider. Sends the browser to the provider. A `return_to` that is no path of ours means the first page."""
        result: None = await self.call(Request("GET", "/v1/auth/oidc/start", query={"return_to": return_to}), {302: None, 303: None})
        return result

    async def login_by_passkey(self, body: models.PasskeyLoginBody) -> models.TokenResponse:
        """Log in by passkey. A passkey needs the device and the person, so no code is asked for."""
        result: models.TokenResponse = await self.call(
            Request("POST", "/v1/auth/passkey-login", body=encode_body(body)), {200: models.TokenResponse}
        )
        return result

    async def begin_passkey_login(self, body: models.EmptyBody) -> dict[str, Any]:
        """Begin a login by passkey. The options for navigator.credentials.get(), which count for five minutes and name no account."""
        result: dict[str, Any] = await self.call(
            Request("POST", "/v1/auth/passkey-login/options", body=encode_body(body)), {200: dict[str, Any]}
        )
        return result

    async def list_passkeys(self) -> models.PasskeyList:
        """List own passkeys. Oldest first; an account has at most 20."""
        result: models.PasskeyList = await self.call(Request("GET", "/v1/auth/passkeys"), {200: models.PasskeyList})
        return result

    async def add_passkey(self, body: models.PasskeyBody) -> models.Passkey:
        """Add a passkey. By the answer of navigator.credentials.create() to the options."""
        result: models.Passkey = await self.call(Request("POST", "/v1/auth/passkeys", body=encode_body(body)), {201: models.Passkey})
        return result

    async def begin_passkey(self, body: models.ConfirmationBody) -> dict[str, Any]:
        """Begin to add a passkey. The options for navigator.credentials.create(), which count for five minutes."""
        result: dict[str, Any] = await self.call(
            Request("POST", "/v1/auth/passkeys/options", body=encode_body(body)), {200: dict[str, Any]}
        )
        return result

    async def delete_passkey(self, passkey_id: str) -> None:
        """Remove a passkey. It logs nobody in any more; sessions that it began go on."""
        result: None = await self.call(
            Request("DELETE", "/v1/auth/passkeys/{passkey_id}", path_values={"passkey_id": passkey_id}), {204: None}
        )
        return result

    async def change_password(self, body: models.PasswordChangeBody) -> models.TokenResponse:
        """Change the own password. Ends all other sessions. This one goes on with the access token of the answer, and the refresh token that it has."""
        result: models.TokenResponse = await self.call(
            Request("POST", "/v1/auth/password", body=encode_body(body)), {200: models.TokenResponse}
        )
        return result

    async def request_password_reset(self, body: models.PasswordResetBody) -> models.AcceptedResponse:
        """Send a link to choose a password. To an account with this address goes an e-mail with a link that works once, for half an hour by default."""
        result: models.AcceptedResponse = await self.call(
            Request("POST", "/v1/auth/password-reset", body=encode_body(body)), {202: models.AcceptedResponse}
        )
        return result

    async def confirm_password_reset(self, body: models.LinkPasswordBody) -> None:
        """Choose a password by a link. Ends all sessions of the account. It does not log in: a code is still needed, if the account has an authenticator app."""
        result: None = await self.call(Request("POST", "/v1/auth/password-reset/confirm", body=encode_body(body)), {204: None})
        return result

    async def refresh_tokens(self, body: models.RefreshBody) -> models.TokenResponse:
        """Exchange a refresh token. Each refresh token is exchanged once; one that comes again after more than 10 s ends its session."""
        result: models.TokenResponse = await self.call(
            Request("POST", "/v1/auth/refresh", body=encode_body(body)), {200: models.TokenResponse}
        )
        return result

    async def list_sessions(self, *, limit: int | None = None, cursor: str | None = None) -> models.SessionPage:
        """List own sessions. Those that have not ended, newest first."""
        result: models.SessionPage = await self.call(
            Request("GET", "/v1/auth/sessions", query={"limit": limit, "cursor": cursor}), {200: models.SessionPage}
        )
        return result

    async def iterate_sessions(self, *, limit: int | None = None) -> AsyncIterator[models.SessionResponse]:
        """All items of `list_sessions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_sessions(limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def end_session(self, session_id: str) -> None:
        """End one of the own sessions. Its access tokens end within 30 s."""
        result: None = await self.call(
            Request("DELETE", "/v1/auth/sessions/{session_id}", path_values={"session_id": session_id}), {204: None}
        )
        return result

    async def enrol_totp(self, body: models.ConfirmationBody) -> models.TotpSecretResponse:
        """Add an authenticator app. The secret that the app shares, also as the text of a QR code. It counts once a code was confirmed."""
        result: models.TotpSecretResponse = await self.call(
            Request("POST", "/v1/auth/totp", body=encode_body(body)), {200: models.TotpSecretResponse}
        )
        return result

    async def confirm_totp(self, body: models.TotpCodeBody) -> models.RecoveryCodesResponse:
        """Confirm an authenticator app. From now on a login by password needs a code. The recovery codes are shown only now."""
        result: models.RecoveryCodesResponse = await self.call(
            Request("POST", "/v1/auth/totp/confirm", body=encode_body(body)), {200: models.RecoveryCodesResponse}
        )
        return result

    async def disable_totp(self, body: models.ConfirmationBody) -> None:
        """Remove the authenticator app. Removes the recovery codes, too."""
        result: None = await self.call(Request("POST", "/v1/auth/totp/disable", body=encode_body(body)), {204: None})
        return result
