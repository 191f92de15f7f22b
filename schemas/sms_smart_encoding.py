"""Twilio's smart encoding: characters that look like one of GSM 7-bit are replaced by it.

Source: https://www.twilio.com/docs/messaging/services/smart-encoding-char-list, and the map of Twilio's own segment calculator
(sms-segments-calculator 1.3.0, https://github.com/TwilioDevEd/message-segment-calculator), which it follows in every character: some
spaces become two, and full-width small letters stay.
"""

from typing import Final

# by what they become: the code points in hexadecimal
_REPLACED: Final = {
    '"': "ab bb 2ba 2ee 201c 201d 201e 201f 275d 275e 301d 301e",
    "'": "60 b4 2b9 2bb 2bc 2bd 2c8 2ca 2cb 313 314 2018 2019 201b 275b 275c fe10 fe11",
    "/": "f7 337 338 2044 2215 29f8",
    "\\": "20e5 29f5 29f9 fe68",
    "|": "20d2 20d3 2223 239c 239f 23b8 23b9 23d0",
    "-": "2010 2013 2014 2015 2022 2043 23bc 23bd fe63",
    ",": "326 201a 3001 fe50 fe51 ff64",
    "(": "2768 276a 27ee 2985 fe59",
    ")": "2769 276b 27ef 2986 fe5a",
    "*": "204e 2217 229b 2722 2723 2724 2725 2731 2732 2733 273a 273b 273c 273d 2743 2749 274a 274b 29c6 fe61",
    ":": "2d0 2f8 2982 a789 fe13",
    "~": "2dc 2f7 303 330 334 223c",
    "!": "1c3 fe15 fe57",
    ".": "3002 fe52 ff61",
    ";": "204f fe14 fe54",
    "=": "347 a78a fe66",
    "^": "2c6 302 1dcd",
    "+": "2d6 fe62",
    "<": "2039 fe64",
    ">": "203a fe65",
    "?": "fe16 fe56",
    "{": "2774 fe5b",
    "}": "2775 fe5c",
    "_": "332 2017",
    "@": "fe6b",
    "$": "fe69",
    "#": "fe5f",
    "%": "fe6a",
    "&": "fe60",
    "1/4": "bc",
    "1/2": "bd",
    "3/4": "be",
    "!!": "203c",
    "...": "2026",
    " ": "2001 2028 2029",
    "  ": "80 8d 90 9b 9f a0 2000 2002 2003 2004 2005 2006 2007 2008 2009 200a 202f 205f 3000",
    "       ": "9",
    "": "0 3 4 10 11 12 13 14 17 19 200b 200c 2060 feff",
}
_SMALL_CAPITALS: Final = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True))
_FULL_WIDTH: Final = {point: chr(point - 0xFEE0) for point in range(0xFF01, 0xFF5F) if not 0xFF40 <= point <= 0xFF5A}

SMART_ENCODING: Final[dict[int, str]] = {
    **{int(point, 16): text for text, points in _REPLACED.items() for point in points.split()},
    **{ord(small): capital for small, capital in _SMALL_CAPITALS.items()},
    **_FULL_WIDTH,
}
"""What each character becomes, in the form that str.translate takes."""
