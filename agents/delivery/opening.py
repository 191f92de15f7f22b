"""Opens sealed deliveries (docs/decisions/0047): the keys of a batch are read before it, and while they cannot be read it waits."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping

from agents.delivery.decode import DecodedDelivery, DecodeFailure
from schemas.enums import Reason
from schemas.errors import ErasedError, SealError, UnavailableError, UnknownDataKeyError
from schemas.ports import BatchHandle, BatchHandles, Record, Sleep
from schemas.sealed_records import open_delivery
from schemas.sealing import Sealer
from schemas.user_keys import SealerReader

RETRY_SECONDS = 1.0
_SEALED_FIELD = b'"sealed":'  # a delivery whose content has the same characters only costs a look-up


class DeliveryOpening:
    """`on_unavailable` gets the number of deliveries of a batch that begins to wait, and why."""

    def __init__(self, sealers: SealerReader, sleep: Sleep, on_unavailable: Callable[[int, str], None]) -> None:
        self._reader, self._sleep, self._on_unavailable = sealers, sleep, on_unavailable
        self._sealers: Mapping[str, Sealer] = {}
        self._reading: set[BatchHandle] = set()  # those of no revoked partition
        self._waiting: set[BatchHandle] = set()
        self._is_draining = self._is_fresh = False
        self.outdated: set[str] = set()
        """Users of the batch who have a data key that is newer than the cache; it is read once more with their keys of now."""

    async def read_ahead(self, handles: BatchHandles) -> AsyncIterator[BatchHandle]:
        """The batches, each when the keys of its users are known. What follows a batch at once can open its deliveries.

        One with `outdated` users afterwards comes a second time.
        """
        async for handle in handles:
            user_ids = _collect_users(handle.batch.records)
            sealers = await self._read(user_ids, handle) if user_ids else {}
            if sealers is None:
                continue
            self._sealers, self._is_fresh = sealers, False
            yield handle
            if self.outdated:
                outdated, self.outdated = self.outdated, set()
                fresh = await self._read(outdated, handle, fresh=True)
                if fresh is not None:
                    self._sealers, self._is_fresh = {**sealers, **fresh}, True
                    yield handle

    def release_waiting(self) -> None:
        """Let no rebalance or stop wait for the batches whose keys cannot be read."""
        self._is_draining = True
        for handle in self._waiting:
            handle.release()

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the batches of revoked partitions whose keys are being read; they are read again."""
        self._is_draining = False
        self._reading = {handle for handle in self._reading if handle.batch.partition not in partitions}

    def open(self, decoded: DecodedDelivery) -> DecodedDelivery | DecodeFailure:
        """The delivery of the last batch with its address and content; without them if the user was erased."""
        delivery = decoded.delivery
        sealer = self._sealers.get(delivery.user_id)
        try:
            if sealer is None:
                raise SealError("the key of its record is not its user")
            return DecodedDelivery(decoded.record, open_delivery(delivery, sealer), decoded.row_key, sealer)
        except ErasedError:
            return DecodedDelivery(decoded.record, delivery, decoded.row_key, None, is_erased=True)
        except SealError as error:
            if isinstance(error, UnknownDataKeyError) and not self._is_fresh:
                self.outdated.add(delivery.user_id)
            return DecodeFailure(decoded.record, Reason.SEAL_BROKEN, str(error), delivery)

    async def _read(self, user_ids: Collection[str], handle: BatchHandle, *, fresh: bool = False) -> Mapping[str, Sealer] | None:
        """The sealers of all these users; waits until they can be read, or gives None if the partition is revoked meanwhile."""
        self._reading.add(handle)
        sealers, cause = await self._try_read(user_ids, fresh=fresh)
        if cause:
            self._on_unavailable(len(handle.batch), cause)
        # no drain waits for one that was released, so that none of it may be sent before the drain ends
        while handle in self._reading and (cause or (self._is_draining and handle in self._waiting)):
            self._waiting.add(handle)
            if self._is_draining:
                handle.release()
            await self._sleep(RETRY_SECONDS)
            sealers, cause = await self._try_read(user_ids, fresh=fresh)
        self._waiting.discard(handle)
        if handle not in self._reading:  # also after the last reading: whoever has the partition now sends what is in it
            return None
        self._reading.remove(handle)
        return sealers

    async def _try_read(self, user_ids: Collection[str], *, fresh: bool) -> tuple[Mapping[str, Sealer], str]:
        try:
            sealers = await self._reader.get_many(user_ids, fresh=fresh)
        except UnavailableError as error:
            return {}, str(error)
        missing = len(user_ids) - len(sealers)
        return sealers, f"the keys of {missing} users could not be read" if missing else ""


def _collect_users(records: Iterable[Record]) -> dict[str, None]:
    """The users whose deliveries in these records are sealed: the keys of the records."""
    keys = {record.key for record in records if record.key and record.value and _SEALED_FIELD in record.value}
    return dict.fromkeys(key.decode(errors="replace") for key in keys)
