"""Removes devices whose tokens a provider has rejected, after the commit of the events that say so."""

from schemas.device_rejections import list_rejections
from schemas.history import HistoryBatch, WrittenReports
from schemas.store_ports import HistoryWriter, RejectedDeviceStore


class DeviceRemovingWriter:
    """A writer of history that then removes devices; implements schemas.store_ports.HistoryWriter.

    A batch is acknowledged after both. What fails or is lost in between is written again, and judged as the first time. Users whose devices
    were removed are among the changed ones.
    """

    def __init__(self, history: HistoryWriter, devices: RejectedDeviceStore) -> None:
        self._history, self._devices = history, devices

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        """Write the batch, then judge the devices. Raises as HistoryWriter.write does."""
        written = await self._history.write(batch)
        rejections = list_rejections(logged.event for logged in batch.attempts)
        user_ids = await self._devices.remove(rejections) if rejections else ()
        return written._replace(changed_users=[*written.changed_users, *user_ids]) if user_ids else written
