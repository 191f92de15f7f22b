"""Grapheme clusters: what a reader takes for one character, although it may be several code points (Unicode Standard Annex 29).

The rules are those that texts meet: marks, joiners, modifiers and flags of emoji, Hangul syllables. Properties come from the Unicode
database of Python, by general categories.
"""

from collections.abc import Iterator
from typing import Final
from unicodedata import category

_ZERO_WIDTH_JOINER: Final = "\u200d"
_ZERO_WIDTH_NON_JOINER: Final = "\u200c"
_MARKS: Final = ("Mn", "Me", "Mc")
_BREAKING: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")  # nothing is joined to a control character, in either direction
# Hangul (Hangul_Syllable_Type): leading consonants, vowels, trailing consonants, and syllables without or with a trailing consonant
_LEADING, _VOWEL, _TRAILING, _OPEN, _CLOSED = "L", "V", "T", "LV", "LVT"
_HANGUL_JOINS: Final = {
    _LEADING: (_LEADING, _VOWEL, _OPEN, _CLOSED),
    _OPEN: (_VOWEL, _TRAILING),
    _VOWEL: (_VOWEL, _TRAILING),
    _CLOSED: (_TRAILING,),
    _TRAILING: (_TRAILING,),
}


def iterate_clusters(text: str) -> Iterator[str]:
    """The clusters of a text, in order."""
    start, flags, previous = 0, 0, ""
    for index, char in enumerate(text):
        if index and not _is_joined(previous, char, flags):
            yield text[start:index]
            start = index
        flags = flags + 1 if _is_regional_indicator(char) else 0
        previous = char
    if text:
        yield text[start:]


def _is_joined(previous: str, char: str, flags: int) -> bool:
    """Whether no boundary is between the two; `flags` are the regional indicators up to the first one: two make a flag."""
    if previous < "\u0300" > char:
        return False
    kind, before = category(char), category(previous)
    if _is_extending(char, kind):
        return before not in _BREAKING or previous in (_ZERO_WIDTH_JOINER, _ZERO_WIDTH_NON_JOINER) or _is_tag(previous)
    if previous == _ZERO_WIDTH_JOINER:
        return kind == "So"
    if _is_regional_indicator(char):
        return flags % 2 == 1
    return _get_hangul_type(char) in _HANGUL_JOINS.get(_get_hangul_type(previous), ())


def _is_extending(char: str, kind: str) -> bool:
    return (
        kind in _MARKS
        or char in (_ZERO_WIDTH_JOINER, _ZERO_WIDTH_NON_JOINER)
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # modifiers of the skin's colour
        or char in "\uff9e\uff9f\u0e33\u0eb3"
        or _is_tag(char)
    )


def _is_tag(char: str) -> bool:
    return "\U000e0020" <= char <= "\U000e007f"


def _is_regional_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _get_hangul_type(char: str) -> str:
    if "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c":
        return _LEADING
    if "\u1160" <= char <= "\u11a7" or "\ud7b0" <= char <= "\ud7c6":
        return _VOWEL
    if "\u11a8" <= char <= "\u11ff" or "\ud7cb" <= char <= "\ud7fb":
        return _TRAILING
    if "\uac00" <= char <= "\ud7a3":
        return _CLOSED if (ord(char) - 0xAC00) % 28 else _OPEN
    return ""
