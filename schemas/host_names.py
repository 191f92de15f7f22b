"""Host names in lower case with IDNA A-labels (RFC 5890), and the characters that nobody sees."""

import re

import idna

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt): zero-width and bidi marks, soft hyphens, variation selectors, ...
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# zero-width non-joiner and joiner, which are part of some host names in Arabic and Indic scripts (RFC 5892, appendix A)
_JOINERS = "\u200c\u200d"

_replace_ignorable = re.compile(f"[{_IGNORABLE}]+").sub
_replace_joiners = re.compile(f"[{_JOINERS}]+").sub


def remove_invisible(text: str) -> str:
    """The text without invisible characters, and without white space around it."""
    return text.strip() if text.isascii() else remove_joiners(_replace_ignorable("", text)).strip()


def remove_ignorable(text: str) -> str:
    """As remove_invisible, but with the joiners that a host name may have."""
    return text.strip() if text.isascii() else _replace_ignorable("", text).strip()


def remove_joiners(text: str) -> str:
    """The text without joiners."""
    return _replace_joiners("", text)


def encode_host(host: str) -> str:
    """The host name with A-labels; joiners are removed where no name has them. Raises idna.IDNAError."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        visible = remove_joiners(host)
        return visible.lower() if visible.isascii() else idna.encode(visible, uts46=True).decode()
