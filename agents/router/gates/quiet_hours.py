"""The gate quiet hours: in the quiet hours of its user a notification waits for their end, or is rejected, as its rule says."""

from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.recipient import is_address
from agents.router.gates.wording import Facts
from agents.router.quiet_hours import UTC_NAME, find_quiet_end, is_known_zone
from agents.router.routing_state import GateContext, QuietHoursFound, RoutingState
from agents.router.verdict import MIN_HOLD_SECONDS, PASS, Hold, Reject, Verdict
from schemas.categories import ESSENTIAL_CATEGORIES, QuietHoursPolicy

NAME = "quiet_hours"
QUIET_HOURS = "quiet_hours"

IGNORED = QuietHoursFound("ignored")
NONE_SET = QuietHoursFound("no_quiet_hours")
NOT_CHECKED = QuietHoursFound("not_checked")


def prefetch(state: RoutingState) -> None:
    """Note the policy, and that the profile is needed unless quiet hours are ignored; a user id that is an address has none."""
    state.quiet_policy = "ignore"
    if state.plan is None:
        return
    state.quiet_policy = _resolve_policy(state.notification.category, state.plan.quiet_hours)
    if state.quiet_policy != "ignore" and not is_address(state.notification.user_id):
        state.needs_profile = state.reads_profile = True


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification outside the user's quiet hours. One that comes back is judged again: the user may have moved."""
    if state.quiet_policy == "ignore":
        state.quiet_hours = IGNORED
        return PASS
    profile = context.profiles.get(state.notification.user_id) if state.reads_profile else None
    if profile is None or profile.quiet_hours is None:
        # a mandatory notification does not wait for profiles that are unavailable; no other comes here without one
        state.quiet_hours = NOT_CHECKED if profile is None and state.reads_profile else NONE_SET
        return PASS
    window = profile.quiet_hours
    state.quiet_hours = QuietHoursFound("", window.start, window.end, profile.time_zone)
    end = find_quiet_end(window, profile.time_zone, state.now)
    if end is None:
        return PASS
    until, inputs = max(end, state.now + MIN_HOLD_SECONDS), _describe(state.quiet_hours)
    if state.quiet_policy == "reject" or until >= state.expires_at:
        return Reject(QUIET_HOURS, {**inputs, "policy": state.quiet_policy, "ends_at": float(end), "expires_at": state.expires_at})
    return Hold(until, QUIET_HOURS, inputs)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the quiet hours and the zone, or why there are none."""
    found = state.quiet_hours
    return encode_pass(NAME, found.reason, _describe(found) if not found.reason else None)


def _write_reason(facts: Facts) -> str:
    window = str(facts.inputs.get("quiet_hours", "")).replace("-", " to ")
    text = f"the user has quiet hours from {window}" if window else "the user has quiet hours"
    if "policy" not in facts.inputs:
        return text
    if facts.inputs["policy"] == "reject":
        return f"{text}, in which its rule sends nothing"
    return f"{text}, and it expires at {facts.format_time(facts.inputs.get('expires_at'))}, before they end"


def _write_remedy(facts: Facts) -> str:
    if "policy" not in facts.inputs:
        return "outside the user's quiet hours it is sent at once"
    ends_at = facts.format_time(facts.inputs.get("ends_at"))
    return f"at {ends_at} it would have been sent" if facts.inputs["policy"] == "reject" else f"it would have to expire after {ends_at}"


def describe(facts: Facts) -> str:
    """The window and the zone; in quiet hours, whose reason names the window, when they end."""
    if not facts.inputs:
        return ""
    zone, unknown = facts.inputs.get("time_zone", UTC_NAME), facts.inputs.get("unknown_time_zone")
    words = f"{zone}, because the time zone {unknown!r} is not known" if unknown else str(zone)
    if until := facts.inputs.get("until"):
        return f"they end at {facts.format_time(until)}; time zone: {words}"
    return f"{facts.inputs.get('quiet_hours')}; time zone: {words}"


GATE = Gate(
    NAME,
    check,
    explain,
    prefetch=prefetch,
    reasons={QUIET_HOURS: _write_reason},
    remedies={QUIET_HOURS: _write_remedy},
    describe=describe,
)


def _resolve_policy(category: str | None, policy: QuietHoursPolicy) -> QuietHoursPolicy:
    """A producer's category can ask for more quiet than the rule, never for less."""
    if policy == "ignore" and category is not None and category not in ESSENTIAL_CATEGORIES:
        return "hold"
    return policy


def _describe(found: QuietHoursFound) -> dict[str, Any]:
    """The window and the zone that counts; one that is not known counts as UTC."""
    inputs = {"quiet_hours": f"{found.start}-{found.end}", "time_zone": found.time_zone or UTC_NAME}
    return inputs if is_known_zone(found.time_zone) else {**inputs, "time_zone": UTC_NAME, "unknown_time_zone": found.time_zone}
