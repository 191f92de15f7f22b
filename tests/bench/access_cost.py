"""What a POST pays for its key and its permission: `python -m tests.bench.access_cost` prints microseconds of CPU, and the calibration."""

import asyncio
import time
from collections.abc import Sequence

from app.api.access import check_principal
from app.api.bootstrap_key import build_bootstrap_authenticator
from app.api.principal import Authenticator, authenticate, find_credential
from app.api.services.api_key_verdicts import ApiKeyVerdicts, Times
from schemas.api_keys import ApiKey, StoredVerdict, build_key_text, compute_digest
from schemas.permissions import Permission, Role
from tests.bench.cpu_meter import measure_calibration

ID, BOOTSTRAP_KEY, ROUNDS, REQUESTS = "k3v2x2ab", "b" * 64, 7, 50_000
KEY = build_key_text(ID, bytes(range(32)), is_test=False).encode()
STORED = StoredVerdict(ApiKey(ID, "shop", Role.SERVICE, [], False, None, None, None, None, 0.0, "ada", 1), compute_digest(KEY), b"")


async def find_verdict(key_id: str) -> StoredVerdict | None:
    """The stored key."""
    return STORED


async def record_uses(used: dict[str, float]) -> None:
    """Stands for the table."""


async def measure(authenticators: Sequence[Authenticator], credential: bytes) -> float:
    """The CPU of a request, the best of some rounds; headers as a usual client sends them."""
    headers = [(b"host", b"h"), (b"accept", b"*/*"), (b"content-type", b"application/json"), (b"authorization", b"Bearer " + credential)]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REQUESTS):
            found = find_credential(headers)
            assert found is not None
            check_principal(await authenticate(authenticators, found), Permission.NOTIFICATIONS_SEND)
        best = min(best, time.process_time() - started)
    return best / REQUESTS * 1e6


async def main() -> None:
    """Print the costs."""
    verdicts = ApiKeyVerdicts(find_verdict, record_uses, Times(time.time, time.monotonic), 3600.0)
    authenticators = [verdicts.authenticate, build_bootstrap_authenticator(BOOTSTRAP_KEY)]
    print(f"gateway.api_key: {await measure(authenticators, BOOTSTRAP_KEY.encode()):.2f} us")
    print(f"calibration: {measure_calibration() * 1000:.1f} ms")
    print(f"API key that is known: {await measure(authenticators, KEY):.2f} us")


if __name__ == "__main__":
    asyncio.run(main())
