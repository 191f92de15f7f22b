"""The ledger: a file that only grows, one JSON line per request, written before the request is answered."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from dev.simulators.protocol import RequestLogEntry
from dev.simulators.request_counts import RequestCounts

# every so many entries the place in the file is remembered, so that a page is found without reading what is before it
_INDEX_INTERVAL = 1024


class RequestLog:
    """Entries are numbered from 1; what is appended reaches the file with `write`. Raises OSError if the file cannot be written."""

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
        """Read the file back, counting it; to be exhausted before the first append. Raises ValueError for a file that is no ledger."""
        place = 0
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    entry = self._decode(line)
                except msgspec.DecodeError as error:
                    raise ValueError(f"{self.path}, byte {place}, is no entry of a request log: {error}; name another file") from error
                self._assign_seq(place)
                self.counts.add_entry(entry)
                place += len(line)
                yield entry

    def append(self, at: float, provider: str, delivery_id: str, address: str, status: int, fault: str) -> None:
        """Enter one request."""
        self._assign_seq(self._size)
        entry = RequestLogEntry(self.last_seq, at, provider, delivery_id, address, status, fault)
        line = self._encode(entry)
        self._pending.append(line)
        self._size += len(line) + 1
        self.counts.add_entry(entry)

    def flush(self) -> None:
        """Hand everything appended to the operating system: it outlives this process from here on."""
        if not self._pending:
            return
        rest = memoryview(b"\n".join((*self._pending, b"")))
        self._pending.clear()
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def read_entries(self, after: int, limit: int) -> bytes:
        """The lines of up to `limit` entries behind number `after`."""
        self.flush()
        strides, skipped = divmod(min(after, self.last_seq), _INDEX_INTERVAL)
        with self.path.open("rb") as lines:
            lines.seek(self._offset_index[strides] if strides < len(self._offset_index) else self._size)
            return b"".join(islice(lines, skipped, skipped + limit))

    def search_entries(self, delivery_id: str, address: str, limit: int) -> list[RequestLogEntry]:
        """Up to `limit` entries of that delivery and of that address, where given, oldest first; reads the whole file."""
        self.flush()
        wanted = [self._encode(text) for text in (delivery_id, address) if text]
        with self.path.open("rb") as lines:
            likely = (self._decode(line) for line in lines if all(text in line for text in wanted))
            fitting = (e for e in likely if delivery_id in ("", e.delivery_id) and address in ("", e.address))
            return list(islice(fitting, limit))

    def reset(self) -> None:
        """Begin a new file; the one before is kept as `<name>.previous`, in place of an earlier one."""
        self.close()
        os.replace(self.path, self.path.with_name(f"{self.path.name}.previous"))
        self._open_file()

    def build_report(self) -> dict[str, Any]:
        """What `GET /requests/counts` shows."""
        return {"seq": self.last_seq, **self.counts.build_report(), "file": str(self.path)}

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.flush()
        os.close(self._file)

    def _assign_seq(self, offset: int) -> None:
        if self.last_seq and self.last_seq % _INDEX_INTERVAL == 0:
            self._offset_index.append(offset)
        self.last_seq += 1

    def _truncate_torn_line(self) -> int:
        """A process killed while writing leaves half a line, whose request was not answered."""
        size = os.fstat(self._file).st_size
        whole = size
        while whole and os.pread(self._file, 1, whole - 1) != b"\n":
            whole -= 1
        if whole != size:
            os.ftruncate(self._file, whole)
        return whole
