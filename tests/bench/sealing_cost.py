"""What sealing costs a notification: `python -m tests.bench.sealing_cost` prints microseconds of CPU in this process, and the calibration.

Delivery: the router seals it, the worker opens it. Profile: what Redis gave is opened; for who is not there, the row of PostgreSQL is
opened and the profile sealed. The servers themselves are not measured.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec
from msgspec import Raw

from schemas.content import EmailContent
from schemas.profile import Profile
from schemas.sealed_columns import PrivateUser, hide_user, open_device, open_user, seal_device, seal_user
from schemas.sealed_records import PrivateDelivery, seal_delivery
from schemas.sealing import DataKey, RandomBuffer, Sealer
from tables.redis.sealed_profiles import SealedProfiles
from tests.bench.cpu_meter import measure_calibration
from tests.column_sealing import INDEX
from tests.sealers import MemorySealerReader

ROUNDS, REPETITIONS, BATCH = 9, 2000, 200
ADDRESSES = {"email": ["ada@example.org"], "sms": ["+436641234567"]}
PRIVATE = PrivateUser({**ADDRESSES}, {"plan": "pro", "age": 36})
DEVICE = "d" * 160


class KnownSealers(MemorySealerReader):
    """Keys that this process has, with their sealers made once."""

    def __init__(self, sealers: Mapping[str, Sealer]) -> None:
        super().__init__()
        self._sealers = sealers

    async def get_many(self, user_ids: object, *, fresh: bool = False) -> Mapping[str, Sealer]:
        """The sealers of all."""
        return self._sealers


def measure(call: Callable[[], object], repetitions: int = REPETITIONS) -> float:
    """The CPU of a call in microseconds, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(repetitions):
            call()
        best = min(best, time.process_time() - started)
    return best / repetitions * 1e6


async def measure_batches(call: Callable[[], Awaitable[object]]) -> float:
    """The CPU of one of a batch in microseconds, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REPETITIONS // BATCH):
            await call()
        best = min(best, time.process_time() - started)
    return best / (REPETITIONS // BATCH * BATCH) * 1e6


async def main() -> None:
    """Print the costs."""
    read_random = RandomBuffer(os.urandom)
    users = [f"u-{number}" for number in range(BATCH)]
    sealers = {user_id: Sealer(user_id, [DataKey(1, "2026-a", os.urandom(32))], read_random) for user_id in users}
    sealer, reader = sealers["u-0"], KnownSealers(sealers)
    content = Raw(msgspec.json.encode(EmailContent(subject="Your order", text="Thank you for order 4711. " * 20)))
    sealed = seal_delivery("ada@example.org", content, "dlv_1", sealer)
    decode = msgspec.json.Decoder(PrivateDelivery).decode
    print(f"calibration: {measure_calibration() * 1000:.1f} ms")
    print(f"router, seal a delivery: {measure(lambda: seal_delivery('ada@example.org', content, 'dlv_1', sealer)):.2f} us")
    print(f"worker, open a delivery: {measure(lambda: decode(sealer.open('delivery', 'dlv_1', sealed))):.2f} us")
    profiles = [Profile(one, addresses={**ADDRESSES, "push": [DEVICE]}, attributes=PRIVATE.attributes, version=1) for one in users]  # type: ignore[dict-item]
    sealing = SealedProfiles(reader, reader)
    values = [one.value for one in await sealing.encode(profiles)]
    plain = b"[%b]" % b",".join(map(msgspec.json.encode, profiles))
    decode_list = msgspec.json.Decoder(list[Profile | str | None]).decode
    in_plain = measure(lambda: decode_list(plain), REPETITIONS // BATCH) / BATCH
    in_redis = b"[%b]" % b",".join(values)
    opened = await measure_batches(lambda: sealing.open(users, decode_list(in_redis)))
    print(f"profile from Redis: in plain {in_plain:.2f} us, sealed {opened:.2f} us")
    print(f"profile to Redis, sealed: {await measure_batches(lambda: sealing.encode(profiles)):.2f} us")
    row, token = seal_user("u-0", PRIVATE, sealer), INDEX.compute_device(DEVICE)
    device = seal_device(token, DEVICE, sealer)
    rows = partial(open_user, "u-0", row, sealer), partial(open_device, token, device, sealer)
    print(f"row of PostgreSQL, open a user with a device: {sum(map(measure, rows)):.2f} us")
    print(f"write a user: {measure(lambda: (hide_user(PRIVATE, INDEX), seal_user('u-0', PRIVATE, sealer))):.2f} us")


if __name__ == "__main__":
    asyncio.run(main())
