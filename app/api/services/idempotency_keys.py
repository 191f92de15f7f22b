"""What an Idempotency-Key means: whose it is, what it stands for, and who can read the response that is stored with it; pure."""

from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from app.api.problems import ProblemDetails, build_problem
from app.api.services.request_fingerprint import find_meaning
from schemas.errors import DECODE_ERRORS
from schemas.idempotent_responses import KeyConflict, KeyInProgress, StoredResponse

MAX_KEY_LENGTH: Final = 200  # characters; a bulk request appends the item's index, and a notification's key has at most 256
KEY_IN_PROGRESS_RETRY_AFTER: Final = 1  # seconds
BAD_KEY: Final = f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters without NUL, and does not begin with U+0001"
IN_PROGRESS: Final = "retry after the first request has ended; its response is stored"
CONFLICT: Final = "a key belongs to one request, and this one has other content: use a new key"


class Response(NamedTuple):
    """A response with those headers that are the handler's; a status of 0: it has succeeded, and `body` is the path of what it made."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class KeyedRequest(NamedTuple):
    """A request with an Idempotency-Key: the key's name in the store, what it stands for, and what its response is sealed with."""

    name: str
    fingerprint: str
    sealing_key: bytes

    def seal(self, response: Response) -> StoredResponse:
        """The response as it is stored: only who has the key and the whole request can read it. Responses may have personal data."""
        return StoredResponse(response.status, AESSIV(self.sealing_key).encrypt(msgspec.msgpack.encode(response), None))

    def open(self, stored: StoredResponse) -> Response | None:
        """A response that `seal` returned; None if it is damaged."""
        try:
            return msgspec.msgpack.decode(AESSIV(self.sealing_key).decrypt(stored.body, None), type=Response)
        except (InvalidTag, *DECODE_ERRORS):
            return None


def is_valid_key(key: str) -> bool:
    """Whether a client may use this key. Names in the store begin with NUL or U+0001, which a header cannot have but a CloudEvent can."""
    return 1 <= len(key) <= MAX_KEY_LENGTH and "\0" not in key and key[0] != "\1"


def build_keyed_request(key: str, principal: tuple[str, ...], route: str, target: str, body: bytes) -> KeyedRequest:
    """The request of a principal; a key counts for one route. `target` is the path with the query."""
    scope = "\0".join((*principal, route, key)).encode()
    whole = b"\0".join((scope, target.encode(), find_meaning(body)))
    fingerprint = blake2b(whole, digest_size=16).hexdigest()
    sealing_key = blake2b(whole, digest_size=64, person=b"stored-response").digest()
    return KeyedRequest("\1" + blake2b(scope, digest_size=24).hexdigest(), fingerprint, sealing_key)


def build_key_problem(state: KeyInProgress | KeyConflict) -> ProblemDetails:
    """Why a request with a key in this state is not processed."""
    if isinstance(state, KeyInProgress):
        return build_problem("idempotency-key-in-progress", IN_PROGRESS, retry_after=KEY_IN_PROGRESS_RETRY_AFTER)
    return build_problem("idempotency-key-conflict", CONFLICT)
