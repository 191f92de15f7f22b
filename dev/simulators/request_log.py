"""The request log: an append-only file, one JSON line per delivery of a request, written before the response is sent."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from dev.simulators.protocol import RequestLogEntry
from dev.simulators.request_counts import RequestCounts

# every 1024th entry's file offset is indexed, so that a page is read without scanning the entries before it
_INDEX_INTERVAL = 1024


class RequestLog:
    """Appends entries, numbered from 1; `flush` writes them to the file. Raises OSError if the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_file()

    def _open_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(RequestLogEntry).decode
        self._pending: list[bytes] = []
        self._size = self._truncate_torn_line()
        self._offset_index = [0]
        self.last_seq = 0
        self.counts = RequestCounts()

    def replay_entries(self) -> Iterator[RequestLogEntry]:
        """Read and count the entries of the file; call before the first `append`.

        Raises ValueError if a line is not an entry.
        """
        offset = 0
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    entry = self._decode(line)
                except msgspec.DecodeError as error:
                    raise ValueError(
                        f"{self.path}, byte {offset}: not an entry of a request log: {error}; name another file with --request-log"
                    ) from error
                self._assign_seq(offset)
                self.counts.add_entry(entry)
                offset += len(line)
                yield entry

    def append(self, at: float, provider: str, delivery_id: str, address: str, status: int, fault: str) -> None:
        """Append one entry, to be written by the next `flush`."""
        self._assign_seq(self._size)
        entry = RequestLogEntry(self.last_seq, at, provider, delivery_id, address, status, fault)
        line = self._encode(entry)
        self._pending.append(line)
        self._size += len(line) + 1
        self.counts.add_entry(entry)

    def flush(self) -> None:
        """Write the appended entries to the operating system: they survive the end of this process, but not of the host."""
        if not self._pending:
            return
        remaining = memoryview(b"\n".join((*self._pending, b"")))
        self._pending.clear()
        while remaining:
            remaining = remaining[os.write(self._file, remaining) :]

    def read_entries(self, after: int, limit: int) -> bytes:
        """Read the lines of up to `limit` entries whose `seq` exceeds `after`."""
        self.flush()
        index, skipped = divmod(min(after, self.last_seq), _INDEX_INTERVAL)
        with self.path.open("rb") as lines:
            lines.seek(self._offset_index[index] if index < len(self._offset_index) else self._size)
            return b"".join(islice(lines, skipped, skipped + limit))

    def search_entries(self, delivery_id: str, address: str, limit: int) -> list[RequestLogEntry]:
        """Find up to `limit` entries of a delivery and an address, oldest first; an empty text matches all. Reads the whole file."""
        self.flush()
        encoded_texts = [self._encode(text) for text in (delivery_id, address) if text]
        with self.path.open("rb") as lines:
            # comparing bytes first avoids decoding most lines
            candidates = (self._decode(line) for line in lines if all(text in line for text in encoded_texts))
            matches = (entry for entry in candidates if delivery_id in ("", entry.delivery_id) and address in ("", entry.address))
            return list(islice(matches, limit))

    def reset(self) -> None:
        """Start a new file; the old one is renamed to `<name>.previous` and replaces an earlier one of that name."""
        self.close()
        os.replace(self.path, self.path.with_name(f"{self.path.name}.previous"))
        self._open_file()

    def build_report(self) -> dict[str, Any]:
        """Build the response of `GET /requests/counts`."""
        return {"seq": self.last_seq, **self.counts.build_report(), "file": str(self.path)}

    def close(self) -> None:
        """Write pending entries and close the file."""
        self.flush()
        os.close(self._file)

    def _assign_seq(self, offset: int) -> None:
        if self.last_seq and self.last_seq % _INDEX_INTERVAL == 0:
            self._offset_index.append(offset)
        self.last_seq += 1

    def _truncate_torn_line(self) -> int:
        """Truncate an incomplete last line, which a process killed while writing leaves; its request got no response."""
        size = os.fstat(self._file).st_size
        complete_size = size
        while complete_size and os.pread(self._file, 1, complete_size - 1) != b"\n":
            complete_size -= 1
        if complete_size != size:
            os.ftruncate(self._file, complete_size)
        return complete_size
