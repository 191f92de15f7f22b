"""Hides the addresses of people from whoever may see that there is one, and not which: one mask for each channel; pure."""

from hashlib import sha256

from msgspec.structs import replace

from schemas.blind_index import TOKEN_PREFIX
from schemas.channels import CHANNELS
from schemas.redaction import redact_text
from schemas.users import ConsentEvent, Device, Suppression, User

HASH_CHARACTERS = 8
MASK = "***"

_WITH_DEVICES = frozenset(channel.name for channel in CHANNELS if channel.has_devices)
_WITH_NUMBERS = frozenset({"sms"})


def mask_address(channel: str, address: str) -> str:
    """An e-mail address as `a***@e***`, a telephone number by its last two digits, a token by a hash, a URL by its host."""
    if not address or address.startswith(TOKEN_PREFIX):
        return address
    if channel in _WITH_DEVICES:
        return mask_token(address)
    if channel in _WITH_NUMBERS:
        return f"{MASK}{address[-2:]}" if len(address) > len(MASK) else MASK
    local, at, domain = address.rpartition("@")
    if channel == "email" and at and local and domain:
        return f"{local[0]}{MASK}@{domain[0]}{MASK}"
    redacted = redact_text(address)
    return redacted if redacted != address else MASK


def mask_token(token: str) -> str:
    """The beginning of the token's SHA-256: two readings of one token have the same."""
    return f"sha256:{sha256(token.encode()).hexdigest()[:HASH_CHARACTERS]}"


def mask_user(user: User) -> User:
    """The user with masked addresses, and without the values of attributes, which may be anything."""
    addresses = {channel: [mask_address(channel, one) for one in found] for channel, found in user.addresses.items()}
    return replace(user, addresses=addresses, attributes=dict.fromkeys(user.attributes, MASK))


def mask_device(device: Device) -> Device:
    """The device with a hash instead of its token."""
    return replace(device, token=mask_token(device.token))


def mask_suppression(suppression: Suppression) -> Suppression:
    """The suppression with a masked address."""
    return replace(suppression, address=mask_address(suppression.channel, suppression.address))


def mask_consent_event(event: ConsentEvent) -> ConsentEvent:
    """The event with a masked address."""
    return replace(event, address=mask_address(event.channel, event.address))
