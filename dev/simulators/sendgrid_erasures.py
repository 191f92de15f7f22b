"""SendGrid's erasure of recipients: POST /v3/recipients/erasejob; GET shows hashes of the addresses, which the real API does not have.

Source: "Delete Recipients' Email Data" in the API reference of SendGrid.
"""

from hashlib import sha256

import msgspec
from msgspec import Struct

from dev.simulators.protocol import ServerRequest, ServerResponse, is_bearer_valid

ERASE_JOB_PATH = b"/v3/recipients/erasejob"
MAX_ADDRESSES = 5000


class EraseJob(Struct):
    """The body of the request."""

    email_addresses: list[str]


class RecipientErasureServer:
    """Takes the orders of one account; a simulator that was asked to erase an address does not keep it."""

    def __init__(self) -> None:
        self._erased: list[str] = []

    def handle_request(self, request: ServerRequest) -> ServerResponse:
        """Respond as the API does: 401 without a key, 400 for another body, else 202 with the id of a job."""
        if not is_bearer_valid(request):
            return _build_error(401, "authorization required")
        if request.method != b"POST":
            return ServerResponse(200, msgspec.json.encode(self._erased))
        try:
            job = msgspec.json.decode(request.body, type=EraseJob)
        except msgspec.DecodeError:
            return _build_error(400, "email_addresses must be an array of strings")
        if not 1 <= len(job.email_addresses) <= MAX_ADDRESSES:
            return _build_error(400, f"email_addresses must have 1 to {MAX_ADDRESSES} items")
        self._erased += [hash_address(address) for address in job.email_addresses]
        return ServerResponse(202, msgspec.json.encode({"job_id": f"erase-{len(self._erased)}"}))


def hash_address(address: str) -> str:
    """What GET shows of an address."""
    return sha256(address.encode()).hexdigest()


def _build_error(status: int, message: str) -> ServerResponse:
    return ServerResponse(status, msgspec.json.encode({"errors": [{"field": None, "message": message}]}))
