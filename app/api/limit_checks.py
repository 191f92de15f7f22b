"""The limits of a request, before and after it is known who makes it, as problems and headers."""

from math import ceil
from typing import Any, Final

from app.api.principal import PRINCIPAL, Credential, find_credential
from app.api.problems import ProblemDetails, build_problem
from app.api.services.request_limits import Bucket, Refusal, RequestLimits
from schemas.ports import Clock

BUCKET: Final = "limit_bucket"  # of the limits that a response shows; its key in the ASGI scope
EXEMPT_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # of load balancers and monitors
MAX_KNOWN_CREDENTIALS = 10_000
_WORDS = {"ip": "your address", "ticket": "your address", "key": "the API key", "account": "the account", "project": "the project"}


class LimitChecks:
    """Asked by the middleware of each request. `clock` is monotonic."""

    def __init__(self, limits: RequestLimits, clock: Clock) -> None:
        self.stop = limits.stop
        self._limits, self._clock = limits, clock
        self._known: set[int] = set()  # hashes of credentials that were valid here, in this process only

    async def check_address(self, scope: Any, *, has_ticket: bool = False) -> ProblemDetails | None:
        """The problem of a request whose address may make none now.

        One that has sent too much that was rejected may still send what was valid here before, and tickets, which are new each time
        (`has_ticket`): a stranger behind the same address shuts nobody out. Each ticket is looked up, so these have a limit of their own.
        """
        if scope["path"] in EXEMPT_PATHS:
            return None
        ip = get_client_ip(scope)
        refusal = self._limits.find_rejection(ip)
        if refusal is not None and hash(find_credential(scope["headers"])) not in self._known:
            refusal = await self._limits.admit(self._limits.find_ticket_bucket(ip)) if has_ticket else refusal
            if refusal is not None:
                return _build_problem(refusal, "requests without valid credentials or signature")
        bucket = self._limits.find_ip_bucket(ip)
        return await self._admit(scope, bucket) if bucket is not None else None

    async def check_principal(self, scope: Any) -> ProblemDetails | None:
        """The problem of a request whose key, account or project may make none now."""
        principal = scope[PRINCIPAL]
        if principal is None or not self._limits.limits_principals or scope["path"] in EXEMPT_PATHS:
            return None
        bucket = self._limits.find_principal_bucket(principal)
        return await self._admit(scope, bucket) if bucket is not None else None

    def remember(self, credential: Credential) -> None:
        """A credential was valid."""
        known = hash(credential)
        if known not in self._known:
            if len(self._known) >= MAX_KNOWN_CREDENTIALS:
                self._known.clear()
            self._known.add(known)

    def on_response(self, scope: Any, status: int) -> None:
        """Count a response that rejected a credential or a signature."""
        if status in (401, 403) and scope.get(PRINCIPAL) is None:
            self._limits.count_rejection(get_client_ip(scope))

    def build_headers(self, scope: Any) -> list[tuple[bytes, bytes]]:
        """The headers that say what is left; none if nothing is limited."""
        bucket: Bucket | None = scope.get(BUCKET)
        return bucket.build_headers(self._clock()) if bucket is not None else []

    async def _admit(self, scope: Any, bucket: Bucket) -> ProblemDetails | None:
        scope[BUCKET] = bucket
        refusal = await self._limits.admit(bucket)
        return _build_problem(refusal, "requests") if refusal is not None else None


def get_client_ip(scope: Any) -> str:
    """The address of the client; of a proxy in gateway.trusted_proxies, the one that it names."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def add_cost(scope: Any, requests: int) -> None:
    """Count a request as so many more, such as the notifications of a bulk; what is too much is paid before further ones."""
    bucket: Bucket | None = scope.get(BUCKET)
    if bucket is not None:
        bucket.add_debt(requests)


def _build_problem(refusal: Refusal, what: str) -> ProblemDetails:
    seconds = max(1, ceil(refusal.retry_after))
    return build_problem("rate-limited", f"{_WORDS[refusal.scope]} has made too many {what}: try again in {seconds} s", retry_after=seconds)
