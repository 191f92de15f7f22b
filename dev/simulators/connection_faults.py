"""Responses that arrive in a way no client should have to bear: a byte per second, without an end, as a gzip bomb, after 1xx answers."""

import asyncio
import struct
import zlib
from functools import cache

TRICKLE_INTERVAL = 1.0  # seconds between two bytes
ENDLESS_CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
ENDLESS_INTERVAL = 0.005  # seconds between two chunks: 13 MB/s
BOMB_BYTES = 64 * 1024 * 1024  # after decompression
LAST_BLOCK = b"\x03\x00"  # of DEFLATE, empty (RFC 1951, 3.2.6)
INTERIM_RESPONSES = b"HTTP/1.1 102 Processing\r\n\r\n" + 3 * b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


def send_slowly(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, data: bytes, position: int = 0) -> None:
    """Write a byte every TRICKLE_INTERVAL, then close; end when the client closes the connection."""
    if transport.is_closing() or position == len(data):
        transport.close()
        return
    transport.write(data[position : position + 1])
    loop.call_later(TRICKLE_INTERVAL, send_slowly, transport, loop, data, position + 1)


def send_endlessly(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, data: bytes) -> None:
    """Write the head of the response and then chunks until the client closes the connection; no more than the client reads."""
    transport.write(_build_head(data, b"Transfer-Encoding: chunked"))
    _send_chunk(transport, loop)


def _send_chunk(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() < len(ENDLESS_CHUNK):
        transport.write(ENDLESS_CHUNK)
    loop.call_later(ENDLESS_INTERVAL, _send_chunk, transport, loop)


def build_bomb_response(data: bytes) -> bytes:
    """The response with a body of 64 KiB that gzip decompresses to BOMB_BYTES."""
    body = _compress_zeros()
    return _build_head(data, b"Content-Encoding: gzip\r\nContent-Length: %d" % len(body)) + body


@cache
def _compress_zeros() -> bytes:
    """Zeros in the format of gzip (RFC 1952). One block is compressed and repeated: to compress all would hold up other requests."""
    block, count = bytes(1024 * 1024), BOMB_BYTES // (1024 * 1024)
    compressor = zlib.compressobj(9, wbits=31)  # 31: with the header of gzip
    first, repeated = (compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    checksum = 0
    for _ in range(count):
        checksum = zlib.crc32(block, checksum)
    return first + repeated * (count - 1) + LAST_BLOCK + struct.pack("<II", checksum, BOMB_BYTES)


def _build_head(data: bytes, header: bytes) -> bytes:
    """The status line of the response with one header; 200 in place of a status without a body."""
    status_line = data.partition(b"\r\n")[0]
    if status_line.split(b" ")[1] == b"204":
        status_line = b"HTTP/1.1 200 OK"
    return b"%b\r\nContent-Type: application/json\r\n%b\r\n\r\n" % (status_line, header)
