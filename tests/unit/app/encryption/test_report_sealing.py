"""Reports have tokens in the place of addresses, which are sealed with keys of their own."""

import pytest

from app.encryption.report_sealing import ReportSealing
from schemas.errors import UnavailableError
from schemas.events import EngagementEvent, InboundEvent
from schemas.sealed_columns import open_suppressed
from tests.column_sealing import INDEX
from tests.event_builders import NOW, build_receipt
from tests.sealers import MemorySealerReader

STOP = InboundEvent("sms", "twilio", "SM1", "stop", "+436641234567", NOW)
OPENED = EngagementEvent("dlv_1", "email", "sendgrid", "k-2", "open", NOW)


async def test_addresses_are_sealed_and_other_events_are_as_they_were() -> None:
    sealers = MemorySealerReader()
    bounce, plain = build_receipt(1, consent="hard_bounce", address="Canary@example.org"), build_receipt(2)
    sealed = await ReportSealing(sealers, INDEX).seal([bounce, OPENED, plain, STOP])
    assert (sealed[1], sealed[2]) == (OPENED, plain)
    for before, after in ((bounce, sealed[0]), (STOP, sealed[3])):
        assert not isinstance(after, EngagementEvent)
        assert after.address == INDEX.compute(before.channel, before.address)
        assert open_suppressed(after.address, after.sealed, sealers.get(after.address)) == before.address
        assert after.event_key == before.event_key


async def test_without_keys_nothing_is_written_in_plain() -> None:
    sealers = MemorySealerReader()
    sealers.unavailable = True
    with pytest.raises(UnavailableError):
        await ReportSealing(sealers, INDEX).seal([STOP])
    sealers.unavailable = False
    sealers.missing.add(INDEX.compute("sms", STOP.address))
    with pytest.raises(UnavailableError):
        await ReportSealing(sealers, INDEX).seal([STOP])


async def test_without_sealing_nothing_changes() -> None:
    sealers = MemorySealerReader(seals=False)
    events = [STOP, OPENED]
    assert await ReportSealing(sealers, INDEX).seal(events) is events
    assert sealers.requested == []


async def test_what_is_sealed_no_longer_when_its_key_is_read_stays_as_it_is() -> None:
    sealers = MemorySealerReader()
    sealers.unseals_meanwhile = True
    assert await ReportSealing(sealers, INDEX).seal([STOP]) == [STOP]
    assert len(sealers.requested) == 1
