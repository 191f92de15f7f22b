"""How many requests clients may make, counted by all processes of the gateway together, without waiting for Redis in most cases.

A request that is below what was left when Redis was last asked is admitted at once, and charged with others a moment later. So all
processes together admit no more than the quota and what arrives in that moment; the rest of it is charged before anything else is admitted.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import ceil, inf
from types import MappingProxyType
from typing import NamedTuple

from app.api.principal import Principal
from app.project_quotas import build_project_quota
from app.settings import LimitsSection
from schemas.limit_ports import Granted, Quota, RateLimiter, build_quota
from schemas.ports import Clock
from schemas.projects import DEFAULTS, ProjectSettings
from tables.flush_timer import FlushTimer

CHARGE_INTERVAL = 0.02  # seconds; requests of this time are charged together
MIN_SWEPT_BUCKETS = 1000  # buckets without debt are forgotten when there are so many, and then at twice as many as stay
NO_PROJECTS: Mapping[str, ProjectSettings] = MappingProxyType({})
IPV6_PREFIX = 64  # bits; what one customer of a provider usually has


class Refusal(NamedTuple):
    """A request over a quota: whose it is (`ip`, `key`, `account`, `project`), and after how many seconds it may be made."""

    scope: str
    retry_after: float


class Bucket:
    """What this process knows of some quotas that are used together: `debt` is what was admitted and is not charged yet.

    `left` is how many there were when they were last charged, of the quota that had the fewest; nothing is admitted until `blocked_until`.
    """

    __slots__ = (
        "_policy",
        "blocked_until",
        "charged_at",
        "charging",
        "debt",
        "left",
        "on_debt",
        "quotas",
        "reset_after",
        "tightest",
        "waiting",
    )

    def __init__(self, quotas: Sequence[Quota], on_debt: Callable[["Bucket"], None]) -> None:
        self.on_debt = on_debt
        self.quotas, self.debt, self.left, self.waiting = quotas, 0, 0, 0
        self.blocked_until, self.charged_at, self.reset_after, self.tightest = -inf, -inf, 0.0, 0
        self.charging: asyncio.Task[None] | None = None
        self._policy = ", ".join(f'"{_get_scope(quota)}";q={quota.burst};w={_get_window(quota)}' for quota in quotas).encode()

    def add_debt(self, permits: int = 1) -> None:
        """Let so many permits be charged soon."""
        self.debt += permits
        self.on_debt(self)

    def build_headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """RateLimit-Policy with all quotas and RateLimit with the one that has the fewest left (draft-ietf-httpapi-ratelimit-headers)."""
        left, reset = max(0, self.left - max(0, self.debt)), self.reset_after
        if now < self.blocked_until:
            left, reset = 0, self.blocked_until - now
        limit = b'"%b";r=%d;t=%d' % (_get_scope(self.quotas[self.tightest]).encode(), left, ceil(reset))
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", limit)]

    def is_idle(self, now: float) -> bool:
        """Whether nothing is lost if it is forgotten."""
        return self.debt <= 0 and not self.waiting and self.charging is None and now >= max(self.blocked_until, self.charged_at + 1)


class Buckets:
    """Buckets by key. Those that are idle are forgotten when there are many, so that what strangers send costs no memory."""

    def __init__(self, on_debt: Callable[[Bucket], None], clock: Clock) -> None:
        self._on_debt, self._clock = on_debt, clock
        self._by_key: dict[tuple[str, ...], Bucket] = {}
        self._sweep_at = MIN_SWEPT_BUCKETS

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, key: tuple[str, ...]) -> Bucket | None:
        """The bucket of a key, if there is one."""
        return self._by_key.get(key)

    def get(self, key: tuple[str, ...], quotas: Sequence[Quota]) -> Bucket:
        """The bucket of a key; a new one has these quotas."""
        bucket = self._by_key.get(key)
        if bucket is None:
            if len(self._by_key) >= self._sweep_at:
                self._sweep()
            bucket = self._by_key[key] = Bucket(quotas, self._on_debt)
        return bucket

    def _sweep(self) -> None:
        now = self._clock()
        self._by_key = {key: bucket for key, bucket in self._by_key.items() if not bucket.is_idle(now)}
        self._sweep_at = max(MIN_SWEPT_BUCKETS, 2 * len(self._by_key))


class RequestLimits:
    """The limits of the section `limits`, and those of projects. `clock` is monotonic; `limiter` does not raise UnavailableError."""

    def __init__(
        self,
        section: LimitsSection,
        limiter: RateLimiter,
        clock: Clock,
        get_projects: Callable[[], Mapping[str, ProjectSettings]] = lambda: NO_PROJECTS,
    ) -> None:
        """`get_projects` returns what was chosen for projects: the same object as long as it is the same."""
        self._section, self._limiter, self._clock, self._get_projects = section, limiter, clock, get_projects
        self._projects, self._limits_projects = NO_PROJECTS, False
        self._buckets, self._rejected = Buckets(self._on_debt, clock), Buckets(self._on_debt, clock)
        self._principals = Buckets(self._on_debt, clock)
        self._in_debt: set[Bucket] = set()
        self._charges: set[asyncio.Task[None]] = set()
        self._timer = FlushTimer(self._charge_all)
        self.limits_ips = section.ip_per_second > 0
        self._limits_by_setting = max(section.key_per_second, section.account_per_second, section.project_per_second) > 0

    def __len__(self) -> int:
        return len(self._buckets) + len(self._principals) + len(self._rejected)

    @property
    def limits_principals(self) -> bool:
        """Whether any key, account or project has a limit."""
        return self._limits_by_setting or self._update_projects()

    def find_ip_bucket(self, ip: str) -> Bucket | None:
        """The bucket of an address; None if addresses have no limit."""
        if not self.limits_ips:
            return None
        network = get_network(ip)
        return self._buckets.find(("ip", network)) or self._buckets.get(("ip", network), [self._build_quota("ip", network)])

    def find_principal_bucket(self, principal: Principal) -> Bucket | None:
        """The bucket of a key or account in its project; None if neither has a limit."""
        self._update_projects()
        key = principal.kind, principal.id, principal.project
        if known := self._principals.find(key):
            return known
        quotas = [self._build_quota(principal.kind, principal.id)] if self._get_rate(principal.kind) else []
        chosen = self._projects.get(principal.project, DEFAULTS)
        if (quota := build_project_quota(self._section, principal.project, chosen)) is not None:
            quotas.append(quota)
        return self._principals.get(key, quotas) if quotas else None

    async def admit(self, bucket: Bucket) -> Refusal | None:
        """Admit a request, or say when it may be made."""
        if bucket.debt < bucket.left and self._clock() >= bucket.blocked_until:
            bucket.add_debt()
            return None
        for _ in range(2):  # a charge that has begun before asks for fewer
            if self._clock() < bucket.blocked_until:
                break
            await self._wait_for_charge(bucket)
            if bucket.debt < bucket.left or bucket.debt < 0:
                bucket.add_debt()
                return None
        return Refusal(_get_scope(bucket.quotas[bucket.tightest]), max(0.0, bucket.blocked_until - self._clock()))

    def find_rejection(self, ip: str) -> Refusal | None:
        """Whether an address has sent so much that was rejected that it gets no more answers for now."""
        bucket = self._rejected.find((get_network(ip),)) if len(self._rejected) else None
        if bucket is None:
            return None
        wait = bucket.blocked_until - self._clock()
        if bucket.debt >= bucket.quotas[0].burst:  # more than one charge could grant
            wait = max(wait, bucket.quotas[0].interval)
        return Refusal("ip", wait) if wait > 0 else None

    def count_rejection(self, ip: str) -> None:
        """A request of an address was rejected for its credential or signature."""
        if not self._section.rejected_per_second:
            return
        network = get_network(ip)
        bucket = self._rejected.get((network,), [self._build_quota("rejected", network)])
        bucket.add_debt()

    def find_ticket_bucket(self, ip: str) -> Bucket:
        """The bucket of the tickets that an address sends while it is refused: they are looked up at the rate of wrong credentials."""
        network, section = get_network(ip), self._section
        quota = build_quota(f"ticket:{network}", section.rejected_per_second, section.rejected_burst)
        return self._rejected.get(("ticket", network), [quota])

    async def stop(self) -> None:
        """Charge what is not charged yet, and wait for the charges that are under way."""
        while self._in_debt or self._charges:
            self._timer.cancel()
            self._charge_all()
            await asyncio.gather(*self._charges)

    def _update_projects(self) -> bool:
        """Whether any project has a rate of its own. After a change all buckets are new; what is owed by the old ones is still charged."""
        if (projects := self._get_projects()) is not self._projects:
            self._projects, self._principals = projects, Buckets(self._on_debt, self._clock)
            self._limits_projects = any(chosen.rate for chosen in projects.values())
        return self._limits_projects

    def _get_rate(self, scope: str) -> float:
        return float(getattr(self._section, f"{scope}_per_second"))

    def _build_quota(self, scope: str, name: str) -> Quota:
        return build_quota(f"{scope}:{name}", self._get_rate(scope), int(getattr(self._section, f"{scope}_burst")))

    def _on_debt(self, bucket: Bucket) -> None:
        self._in_debt.add(bucket)
        self._timer.request(CHARGE_INTERVAL)

    def _charge_all(self) -> None:
        buckets, self._in_debt = self._in_debt, set()
        for bucket in buckets:
            self._begin_charge(bucket)

    def _begin_charge(self, bucket: Bucket) -> asyncio.Task[None]:
        if bucket.charging is None:
            bucket.charging = task = asyncio.get_running_loop().create_task(self._charge(bucket))
            self._charges.add(task)
            task.add_done_callback(self._charges.discard)
        elif bucket.debt > 0:
            self._on_debt(bucket)
        return bucket.charging

    async def _wait_for_charge(self, bucket: Bucket) -> None:
        bucket.waiting += 1
        try:
            await asyncio.shield(self._begin_charge(bucket))
        finally:
            bucket.waiting -= 1

    async def _charge(self, bucket: Bucket) -> None:
        try:
            asked = bucket.debt + bucket.waiting
            if asked <= 0:
                return
            verdict = await self._limiter.acquire(bucket.quotas, asked, 1)
            now = bucket.charged_at = self._clock()
            bucket.tightest = verdict.quota
            if isinstance(verdict, Granted):
                bucket.debt -= verdict.permits
                bucket.left, bucket.reset_after = verdict.remaining, verdict.reset_after
                bucket.blocked_until = now + bucket.quotas[verdict.quota].interval if verdict.permits < asked else -inf
            else:
                bucket.left, bucket.blocked_until = 0, now + verdict.retry_after
        finally:
            bucket.charging = None


@lru_cache(maxsize=10_000)
def get_network(ip: str) -> str:
    """What an address counts as: itself, or its network of 64 bits, because who has one of IPv6 has as many as he likes."""
    try:
        address = ip_address(ip)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, IPV6_PREFIX), strict=False))


def _get_scope(quota: Quota) -> str:
    return quota.key.partition(":")[0]


def _get_window(quota: Quota) -> int:
    return max(1, ceil(quota.burst * quota.interval))
