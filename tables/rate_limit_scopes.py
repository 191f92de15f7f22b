"""What rate limits count: a scope is a channel, or all channels together, and a category, or all. Each scope of a user has a row.

The limits of a tier stand beside those for everybody; one with the same window takes the place of theirs. Both are counted in one row, so a
user who gets another tier keeps what was counted, unless one is exact and the other counted by slices.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.policy import RateLimit
from tables.rate_windows import ChannelWindows, build_windows, encode_key_suffix

ALL_CHANNELS = "all channels"

ScopeKey = tuple[str, str]  # channel and category, empty for all


class LimitScope(Struct, frozen=True, eq=False, gc=False):
    """The limits of one scope: `windows` for everybody, `tier_windows` for the users of a tier; `label` names it in the decision log."""

    channel: str
    category: str
    label: str
    key_suffix: bytes
    windows: ChannelWindows
    tier_windows: Mapping[str, ChannelWindows]

    def get_windows(self, tier: str) -> ChannelWindows:
        """The windows that count for a user of this tier."""
        return self.tier_windows.get(tier, self.windows)


def build_scopes(limits: Iterable[RateLimit]) -> dict[ScopeKey, LimitScope]:
    """The scopes that have limits, by channel and category."""
    by_scope: dict[ScopeKey, list[RateLimit]] = {}
    for limit in limits:
        by_scope.setdefault((limit.channel, limit.category), []).append(limit)
    return {key: _build_scope(*key, scope_limits) for key, scope_limits in by_scope.items()}


def select_scopes(scopes: Mapping[ScopeKey, LimitScope], channels: Iterable[ChannelName], category: str) -> tuple[LimitScope, ...]:
    """The scopes in which a notification of the category counts that goes out on these channels."""
    keys = ((channel, one) for channel in ("", *channels) for one in dict.fromkeys(("", category)))
    return tuple(scopes[key] for key in keys if key in scopes)


def describe_limits(windows: ChannelWindows) -> str:
    """The limits as text: `2 in 60 s, 3 in 3600 s`."""
    return ", ".join(f"{limit.max_count} in {limit.window_seconds} s" for limit in (*windows.exact_limits, *windows.sliced_limits))


def _build_scope(channel: str, category: str, limits: list[RateLimit]) -> LimitScope:
    general = {limit.window_seconds: limit for limit in limits if not limit.tier}
    tiers = {
        tier: build_windows((general | {limit.window_seconds: limit for limit in limits if limit.tier == tier}).values())
        for tier in dict.fromkeys(limit.tier for limit in limits if limit.tier)
    }
    label = f"{channel or ALL_CHANNELS}, {category}" if category else channel or ALL_CHANNELS
    return LimitScope(channel, category, label, encode_key_suffix(channel, category), build_windows(general.values()), tiers)
