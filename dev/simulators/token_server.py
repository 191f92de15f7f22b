"""Google's token endpoint (developers.google.com/identity/protocols/oauth2/service-account): an assertion for an access token.

The tokens are valid in this process only: after a new start of the simulators all are rejected.
"""

import hmac
import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from dev.simulators.protocol import ServerRequest, ServerResponse
from schemas.ports import Clock

TOKEN_PATH = b"/token"
TOKEN_LIFETIME = 3600.0  # seconds
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth names it whatever the token URL is
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = frozenset({"https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"})
_TOKEN_PREFIX = b"ya29."


class TokenServer:
    """Issues access tokens to the service account of a file, which is read at each request, and checks them.

    `lifetime` in seconds.
    """

    def __init__(self, service_account_file: Path, clock: Clock, lifetime: float = TOKEN_LIFETIME) -> None:
        self._file, self._clock, self._lifetime = service_account_file, clock, lifetime
        self._key = secrets.token_bytes(32)
        self.issued_count = 0

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """Respond to a request for a token."""
        form = {name: values[-1] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if request.method != b"POST" or form.get("grant_type") != GRANT_TYPE:
            return _build_error("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        problem = self._find_problem(form.get("assertion", ""))
        if problem:
            return _build_error("invalid_grant", problem)
        self.issued_count += 1
        token = {"access_token": self._issue_token().decode(), "expires_in": round(self._lifetime), "token_type": "Bearer"}
        return ServerResponse(200, msgspec.json.encode(token))

    def is_token_valid(self, token: bytes) -> bool:
        """Whether this server issued the token, and it has not expired."""
        content, _, signature = token.removeprefix(_TOKEN_PREFIX).rpartition(b".")
        if not hmac.compare_digest(signature, self._sign(content)):
            return False
        return self._clock() < int(content.partition(b".")[0], 16) / 1000

    def _issue_token(self) -> bytes:
        content = b"%x.%x" % (round((self._clock() + self._lifetime) * 1000), self.issued_count)
        return b"%b%b.%b" % (_TOKEN_PREFIX, content, self._sign(content))

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256").hex().encode()

    def _find_problem(self, assertion: str) -> str:
        """What is wrong with the assertion, in the words of Google; empty if it is valid."""
        import jwt  # here, because the process needs it only at the first token

        account = json.loads(self._file.read_text())
        options: Any = {"require": ["iss", "aud", "iat", "exp"]}
        try:
            claims = jwt.decode(assertion, _load_public_key(account), ["RS256"], options, audience=[AUDIENCE, account["token_uri"]])
        except jwt.InvalidSignatureError:
            return "Invalid JWT Signature."
        except jwt.InvalidTokenError as error:
            return f"Invalid JWT: {error}"
        if claims["iss"] != account["client_email"]:
            return "Invalid grant: account not found"
        if claims["exp"] - claims["iat"] > TOKEN_LIFETIME:
            return "Invalid JWT: Token must be a short-lived token (60 minutes)"
        return "" if SCOPES & set(str(claims.get("scope", "")).split()) else "Invalid OAuth scope"


def _load_public_key(account: dict[str, str]) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(account["private_key"].encode(), None).public_key()


def _build_error(error: str, description: str) -> ServerResponse:
    return ServerResponse(400, msgspec.json.encode({"error": error, "error_description": description}))
