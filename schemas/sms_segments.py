"""The SMS segments of a text (3GPP TS 23.038), and how Twilio encodes it.

GSM 7-bit: 160 septets in one segment, else 153 per segment. UCS-2: 70 code units in one segment, else 67 per segment. As Twilio's own
segment calculator counts (https://github.com/TwilioDevEd/message-segment-calculator), no cluster of code points is split.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from schemas.content_limits import count_utf16_units
from schemas.grapheme_clusters import iterate_clusters
from schemas.sms_smart_encoding import SMART_ENCODING

# the GSM 7-bit basic alphabet; a character of the extension table takes two septets
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_find_extended = re.compile(f"[{re.escape(_EXTENSION)}]").findall
_match_gsm = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*").fullmatch


class SmsSegments(Struct, frozen=True):
    """The encoding of a text and its segments; `units` are septets or UCS-2 code units, `free` is what the last segment still takes.

    `forcing` are the characters because of which it is UCS-2, each once, at most ten.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int
    free: int
    forcing: str = ""


def measure_sms(text: str, smart_encoding: bool = False) -> SmsSegments:
    """Measure a text; neither an extension character nor a cluster of code points is split across two segments."""
    if smart_encoding:
        text = apply_smart_encoding(text)
    if _match_gsm(text):
        return _measure("GSM-7", text, len(text) + len(_find_extended(text)), _count_septets, 160, 153)
    forcing = "".join(dict.fromkeys(char for char in text if not _match_gsm(char)))[:10]
    return _measure("UCS-2", iterate_clusters(text), count_utf16_units(text), count_utf16_units, 70, 67, forcing)


def apply_smart_encoding(text: str) -> str:
    """The text as Twilio sends it with SmartEncoded: replaced characters stay replaced if the text is UCS-2 all the same."""
    return text if _match_gsm(text) else text.translate(SMART_ENCODING)


def _count_septets(char: str) -> int:
    return 2 if char in _EXTENSION else 1


def _measure(
    encoding: Literal["GSM-7", "UCS-2"],
    pieces: Iterable[str],
    units: int,
    count_units: Callable[[str], int],
    single: int,
    concatenated: int,
    forcing: str = "",
) -> SmsSegments:
    if units <= single:
        return SmsSegments(encoding, 1, units, single - units, forcing)
    count, free = 1, concatenated
    for width in map(count_units, pieces):
        if width > free:
            count, free = count + 1, concatenated
        free -= width
    return SmsSegments(encoding, count, units, max(0, free), forcing)
