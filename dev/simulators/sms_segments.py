"""Counts the SMS segments of a text (3GPP TS 23.038).

GSM 7-bit: 160 characters in one segment, else 153 per segment. UCS-2: 70 code units in one segment, else 67 per segment.
"""

import re

# the GSM 7-bit basic alphabet; a character of the extension table takes two septets
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_match_gsm = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*").fullmatch
_find_extended = re.compile(f"[{re.escape(_EXTENSION)}]").findall


def count_segments(text: str) -> int:
    """Count the segments; neither an extension character nor a surrogate pair is split across two."""
    if _match_gsm(text):
        return 1 if len(text) + len(_find_extended(text)) <= 160 else _count_parts([2 if char in _EXTENSION else 1 for char in text], 153)
    return 1 if len(text.encode("utf-16-le")) <= 2 * 70 else _count_parts([2 if ord(char) > 0xFFFF else 1 for char in text], 67)


def _count_parts(widths: list[int], max_width: int) -> int:
    count, free = 1, max_width
    for width in widths:
        if width > free:
            count, free = count + 1, max_width
        free -= width
    return count
