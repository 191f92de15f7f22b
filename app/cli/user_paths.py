"""The paths of users in the gateway's API."""

from urllib.parse import quote

USERS_PATH = "/v1/users"


def build_user_path(user_id: str, *parts: str) -> str:
    """The path of a user or of what belongs to it; characters that have a meaning in URLs are quoted."""
    return "/".join([USERS_PATH, quote(user_id, safe=""), *(quote(part, safe="") for part in parts)])
