"""The time zone in which times are shown to whoever asks about a user."""

from schemas.errors import UnavailableError
from schemas.local_time import find_zone
from schemas.store_ports import ProfileReader


async def find_time_zone(profiles: ProfileReader, user_id: str) -> str:
    """The zone of the user; empty for UTC, also if the profile cannot be read: no explanation fails for lack of it."""
    try:
        profile = (await profiles.get_many([user_id]))[user_id]
    except UnavailableError:
        return ""
    return profile.time_zone if find_zone(profile.time_zone) is not None else ""
