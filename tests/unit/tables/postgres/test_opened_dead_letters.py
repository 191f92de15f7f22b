"""Dead letters of sealed deliveries are opened, or the keys are waited for."""

import msgspec
import pytest
from msgspec import Raw

from schemas.dead_letters import DeadLetterContent
from schemas.delivery import Delivery
from schemas.errors import UnavailableError
from schemas.sealed_records import close_delivery, seal_delivery
from tables.postgres.opened_dead_letters import open_deliveries
from tests.dead_letter_builders import build_failed_delivery
from tests.delivery_builders import build_delivery
from tests.sealers import MemorySealerReader
from tests.unit.agents.redrives.test_judge import build_content


def build_sealed(reader: MemorySealerReader, number: int) -> DeadLetterContent:
    delivery = build_delivery(number=number)
    sealed = seal_delivery(delivery.address, Raw(msgspec.json.encode(delivery.content)), delivery.id, reader.get(delivery.user_id))
    return build_content(build_failed_delivery(close_delivery(msgspec.structs.replace(delivery, sealed=sealed))))


async def test_what_is_sealed_is_there_beside_it() -> None:
    reader = MemorySealerReader()
    (opened,) = await open_deliveries([build_sealed(reader, 1)], reader)
    delivery = msgspec.json.decode(opened.value or b"", type=Delivery)
    assert delivery.address == build_delivery(number=1).address
    assert delivery.sealed


async def test_an_erased_user_s_cannot_be_read() -> None:
    reader = MemorySealerReader()
    content = build_sealed(reader, 1)
    reader.erase("u-1")
    assert [one.value for one in await open_deliveries([content], reader)] == [None]


async def test_keys_of_only_some_users_are_no_answer() -> None:
    reader = MemorySealerReader()
    contents = [build_sealed(reader, number) for number in (1, 2)]
    reader.missing.add("u-2")
    with pytest.raises(UnavailableError, match="1 users"):
        await open_deliveries(contents, reader)
