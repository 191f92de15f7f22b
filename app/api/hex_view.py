"""Bytes as lines of 16 with their offset, as hex digits and as ASCII; pure."""

BYTES_PER_LINE = 16
MAX_VIEW_BYTES = 4096


def build_hex_view(data: bytes) -> list[str]:
    """The first 4096 bytes, as `hexdump -C` shows them; a byte that is no printable ASCII is a dot."""
    shown = data[:MAX_VIEW_BYTES]
    return [_build_line(offset, shown[offset : offset + BYTES_PER_LINE]) for offset in range(0, len(shown), BYTES_PER_LINE)]


def _build_line(offset: int, line: bytes) -> str:
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
    return f"{offset:08x}  {line[:8].hex(' '):<23}  {line[8:].hex(' '):<23}  |{text}|"
