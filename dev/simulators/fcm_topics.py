"""FCM's subscriptions of a registration to topics: POST and DELETE below projects/*/registrations/*/topicSubscriptions.

Source: Google's discovery document fcm.v1, as firebase-admin 7.7 calls it.
"""

import re
from urllib.parse import parse_qs, unquote

from dev.simulators.protocol import ServerRequest

_match_path = re.compile(rb"/v1/projects/[^/]+/registrations/([^/]+)/topicSubscriptions(?:/([^/]+))?").fullmatch
_is_topic = re.compile(r"[A-Za-z0-9_.~%-]{1,900}").fullmatch


def match_subscription(request: ServerRequest) -> tuple[str, str] | None:
    """The registration and the topic of a request that subscribes or unsubscribes; the topic is empty if it is not a valid one."""
    match = _match_path(request.path)
    if match is None or request.method != (b"DELETE" if match[2] else b"POST"):
        return None
    names = [unquote(match[2].decode("latin-1"))] if match[2] else parse_qs(request.query.decode("latin-1")).get("topic_name", [""])
    return unquote(match[1].decode("latin-1")), names[0] if _is_topic(names[0]) else ""
