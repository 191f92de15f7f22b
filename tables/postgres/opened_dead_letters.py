"""Opens what is sealed in dead letters, for those who judge them again or look into them."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from schemas.dead_letters import DeadLetterContent
from schemas.errors import DECODE_ERRORS, ErasedError, SealError, UnavailableError
from schemas.sealed_records import is_sealed_record, open_fields
from schemas.sealing import Sealer
from schemas.user_keys import SealerReader


async def open_deliveries(contents: Sequence[DeadLetterContent], reader: SealerReader | None) -> list[DeadLetterContent]:
    """The dead letters, those of sealed deliveries with address and content beside what is sealed; without value what cannot be opened.

    Raises UnavailableError, also if the keys of only some users could not be read: what is unreadable now is not so for ever.
    """
    sealed = [one for one in contents if one.stored.stage == "delivery" and one.value and b'"sealed":' in one.value]
    sealers: Mapping[str, Sealer] = {}
    if reader is not None and sealed:
        user_ids = {one.stored.user_id for one in sealed}
        sealers = await reader.get_many(user_ids)
        if missing := len(user_ids) - len(sealers):
            raise UnavailableError(f"the keys of {missing} users could not be read")
    opened = {one.stored.id: _open(one, sealers, keeps_sealed=True) for one in sealed}
    return [opened.get(one.stored.id, one) for one in contents]


async def open_for_reading(content: DeadLetterContent, reader: SealerReader | None) -> DeadLetterContent:
    """The dead letter as it was before it was sealed; as it is if it cannot be opened. Raises UnavailableError."""
    if reader is None or not content.value or not (is_sealed_record(content.value) or b'"sealed":' in content.value):
        return content
    opened = _open(content, await reader.get_many([content.stored.user_id]), keeps_sealed=False)
    return content if opened.value is None else opened


def _open(content: DeadLetterContent, sealers: Mapping[str, Sealer], *, keeps_sealed: bool) -> DeadLetterContent:
    sealer, stored, value = sealers.get(content.stored.user_id), content.stored, content.value or b""
    if sealer is None:
        return replace(content, value=None)
    try:
        if is_sealed_record(value):
            return replace(content, value=sealer.open("record", stored.notification_id, value))
        if stored.stage == "delivery":
            opened = open_fields(value, "delivery", stored.delivery_id, sealer, keeps_sealed=keeps_sealed)
        else:
            opened = open_fields(value, "notification", stored.notification_id, sealer, keeps_sealed=keeps_sealed)
    except (ErasedError, SealError, *DECODE_ERRORS):
        return replace(content, value=None)
    return replace(content, value=opened)
