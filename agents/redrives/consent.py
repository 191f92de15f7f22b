"""Whether a delivery that became a dead letter may still be sent: what the user has said since; pure."""

from collections.abc import Mapping

from schemas.consent import find_objection, find_suppression
from schemas.delivery import Delivery
from schemas.profile import ActiveSuppression, Profile, build_address_key
from schemas.redrives import RedriveResult


def list_profile_keys(delivery: Delivery) -> tuple[str, str]:
    """The keys of the profiles that count: the user's, and that of the address, which may be of nobody."""
    return delivery.user_id, build_address_key(delivery.channel, delivery.address)


def find_delivery_objection(delivery: Delivery, profiles: Mapping[str, Profile]) -> RedriveResult | None:
    """Why consent forbids a delivery; what needs none, as a mandatory one, is stopped by a hard bounce only."""
    found = [profile for key in list_profile_keys(delivery) if (profile := profiles.get(key))]
    suppressions: list[ActiveSuppression] = [one for profile in found for one in profile.suppressions]
    if not delivery.consent:
        is_bounced = find_suppression(suppressions, delivery.channel, delivery.address, delivery.category, mandatory=True)
        return "suppressed" if is_bounced else None
    choices = profiles[delivery.user_id].choices if delivery.user_id in profiles else {}
    objection = find_objection(choices, suppressions, delivery.channel, delivery.address, delivery.category, delivery.consent)
    return objection or None  # type: ignore[return-value]  # a reason that is also a result
