"""Faults that are switched on for a time: all requests to a provider, or a part of them, get another response."""

from random import Random
from typing import Annotated, Literal

from msgspec import Meta, Struct

from dev.simulators.latency import Latency, parse_latency
from dev.simulators.stubs import Fault, Stub, StubResponse

MAX_RULES = 100
MAX_SECONDS = 86_400.0
_TEXT = Annotated[str, Meta(max_length=200, pattern=r"^[ -~]*$")]  # it may become a header


class FaultRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /faults.

    `seconds`: how long it lasts. `key`: only requests with an account or credential that begins with it. `ratio`: the part of the
    requests, chosen with `seed`. `status`, `retry_after` (its header), `latency` (dev/simulators/latency.py) and `connection` are what
    happens to them.
    """

    provider: Literal["sendgrid", "twilio", "fcm", "webhook", "all"]
    seconds: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = 120.0
    key: _TEXT = ""
    ratio: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: int = 1
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    retry_after: _TEXT | None = None
    latency: str = ""
    connection: Literal["drop", "truncate", "reset", "hang", "trickle", "endless", "bomb", "interim"] | None = None


class FaultReport(Struct, frozen=True):
    """A fault that is switched on: its request, the seconds until it ends, and how many requests it matched and changed."""

    id: int
    ends_in: float
    matched: int
    changed: int
    fault: FaultRequest


class FaultRule:
    """One fault. Raises ValueError for a latency that cannot be read, or if nothing would happen."""

    def __init__(self, rule_id: int, request: FaultRequest, now: float) -> None:
        if request.status is None and not request.latency and request.connection is None:
            raise ValueError("a fault needs a status, a latency or a connection fault")
        if request.retry_after is not None and request.status is None:
            raise ValueError("retry_after needs a status")
        self.id, self.request, self.ends_at = rule_id, request, now + request.seconds
        self.matched = self.changed = 0
        self._latency: Latency | None = parse_latency(request.latency) if request.latency else None
        self._random = Random(request.seed)

    def select(self, provider: str, accounts: tuple[str, ...]) -> bool:
        """Whether it changes this request; the decisions depend on the seed and on the number of matching requests before."""
        request = self.request
        if request.provider not in (provider, "all") or not any(account.startswith(request.key) for account in accounts):
            return False
        self.matched += 1
        is_changed = self._random.random() < request.ratio
        self.changed += is_changed
        return is_changed

    def change_stub(self, stub: Stub) -> Stub:
        """The stub with what the fault does to it."""
        request = self.request
        if request.status is not None:
            response = StubResponse.THROTTLE if request.status == 429 else StubResponse.FAIL
            stub = stub._replace(response=response, status=request.status, retry_after=request.retry_after, twilio_code=0)
        if request.connection is not None:
            stub = stub._replace(fault=Fault(request.connection))
        return stub._replace(latency=self._latency) if self._latency else stub


class FaultRules:
    """The faults that are switched on, the newest first in `rules`; they end by themselves."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []
        self._last_id = 0

    def add(self, request: FaultRequest, now: float) -> FaultReport:
        """Switch a fault on. Raises ValueError for one that says nothing, and for too many."""
        self._remove_ended(now)
        if len(self.rules) >= MAX_RULES:
            raise ValueError(f"{MAX_RULES} faults are switched on: switch some off")
        rule = FaultRule(self._last_id + 1, request, now)
        self._last_id = rule.id
        self.rules.insert(0, rule)
        return _build_report(rule, now)

    def find(self, provider: str, accounts: tuple[str, ...], now: float) -> FaultRule | None:
        """The newest fault that changes a request."""
        self._remove_ended(now)
        return next((rule for rule in self.rules if rule.select(provider, accounts)), None)

    def remove(self, rule_id: int | None, now: float) -> int:
        """Switch one fault off, or all (None); returns how many were on."""
        self._remove_ended(now)
        remaining = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]
        removed, self.rules = len(self.rules) - len(remaining), remaining
        return removed

    def list_reports(self, now: float) -> list[FaultReport]:
        """The faults that are switched on."""
        self._remove_ended(now)
        return [_build_report(rule, now) for rule in self.rules]

    def _remove_ended(self, now: float) -> None:
        if any(rule.ends_at <= now for rule in self.rules):
            self.rules = [rule for rule in self.rules if rule.ends_at > now]


def _build_report(rule: FaultRule, now: float) -> FaultReport:
    return FaultReport(rule.id, round(rule.ends_at - now, 1), rule.matched, rule.changed, rule.request)
