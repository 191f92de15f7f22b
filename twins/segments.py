"""How many SMS a text takes (3GPP TS 23.038): GSM 7-bit 160, or 153 each; UCS-2 70, or 67 each."""

import re

# the basic alphabet; the extension's characters take two places
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_GSM = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*").fullmatch
_EXTENDED = re.compile(f"[{re.escape(_EXTENSION)}]").findall


def segments(text: str) -> int:
    """The number of SMS; neither an extension character nor a surrogate pair is split between two."""
    if _GSM(text):
        return 1 if len(text) + len(_EXTENDED(text)) <= 160 else _parts([2 if char in _EXTENSION else 1 for char in text], 153)
    return 1 if len(text.encode("utf-16-le")) <= 2 * 70 else _parts([2 if ord(char) > 0xFFFF else 1 for char in text], 67)


def _parts(widths: list[int], most: int) -> int:
    count, room = 1, most
    for width in widths:
        if width > room:
            count, room = count + 1, most
        room -= width
    return count
