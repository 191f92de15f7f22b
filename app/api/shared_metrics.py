"""The metrics of several processes as those of one: a scrape reaches any of them, and its answer has the sums of all."""

import mmap
import zlib
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family

from app.telemetry import Metrics

SLOT_BYTES: Final = 256 * 1024
_HEADER_BYTES = 8  # length and CRC-32 of what follows
_READ_ATTEMPTS = 3

Snapshot = dict[str, "FamilyValues"]


class FamilyValues(Struct, array_like=True):
    """A metric: its help text, its type, and its values by sample name and labels."""

    documentation: str
    type: str
    values: dict[str, float]  # the key is the name and the labels as a JSON list


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, FamilyValues]).decode
_encode_key = msgspec.json.Encoder().encode
_decode_key = msgspec.json.Decoder(tuple[str, dict[str, str]]).decode


class SharedSlots:
    """Memory that forked processes share: each writes the snapshot of its metrics to its slot, and reads those of the others."""

    def __init__(self, count: int) -> None:
        self._memory = mmap.mmap(-1, SLOT_BYTES * count)
        self.count = count

    def write(self, number: int, snapshot: Snapshot) -> None:
        """Replace the snapshot of a process; one that does not fit is dropped."""
        content = _encode(snapshot)
        if len(content) <= SLOT_BYTES - _HEADER_BYTES:
            start = number * SLOT_BYTES
            header = len(content).to_bytes(4, "big") + zlib.crc32(content).to_bytes(4, "big")
            self._memory[start : start + _HEADER_BYTES + len(content)] = header + content

    def read(self, number: int) -> Snapshot:
        """The last snapshot of a process; empty before its first."""
        start = number * SLOT_BYTES
        for _ in range(_READ_ATTEMPTS):
            header = self._memory[start : start + _HEADER_BYTES]
            size = int.from_bytes(header[:4], "big")
            content = self._memory[start + _HEADER_BYTES : start + _HEADER_BYTES + size]
            if size and zlib.crc32(content) == int.from_bytes(header[4:], "big"):
                return _decode(content)
        return {}


class SharedMetrics(Metrics):
    """The metrics of one of several processes. A process that takes the place of a dead one goes on with its counts."""

    def __init__(self, slots: SharedSlots, number: int) -> None:
        super().__init__()
        self._slots, self._number = slots, number
        self._inherited = _drop_gauges(slots.read(number))

    def write_snapshot(self) -> None:
        """Show the others what this process has counted so far."""
        self._slots.write(self._number, self._take_snapshot())

    def encode_metrics(self) -> bytes:
        """The metrics of all processes in Prometheus's text format; those of the others are as old as their last snapshot."""
        others = [self._slots.read(number) for number in range(self._slots.count) if number != self._number]
        registry = CollectorRegistry()
        registry.register(_MergedCollector(merge_snapshots([self._take_snapshot(), *others])))
        return generate_latest(registry)

    def _take_snapshot(self) -> Snapshot:
        return merge_snapshots([build_snapshot(self.registry.collect()), self._inherited])


class _MergedCollector:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Family]:
        for name, values in self._snapshot.items():
            family = Family(name, values.documentation, values.type)
            for key, value in values.values.items():
                sample, labels = _decode_key(key)
                family.add_sample(sample, labels, value)
            yield family


def build_snapshot(families: Iterable[Family]) -> Snapshot:
    """The values of these metrics."""
    return {
        family.name: FamilyValues(
            family.documentation, family.type, {_encode_key((name, labels)).decode(): value for name, labels, value, *_ in family.samples}
        )
        for family in families
    }


def merge_snapshots(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sums of counters and histograms, the greatest of gauges, the earliest of creation times."""
    merged: Snapshot = {}
    for snapshot in snapshots:
        for name, family in snapshot.items():
            target = merged.setdefault(name, FamilyValues(family.documentation, family.type, {}))
            for key, value in family.values.items():
                present = target.values.get(key)
                target.values[key] = value if present is None else _merge_values(family.type, key, present, value)
    return merged


def _merge_values(family_type: str, key: str, first: float, second: float) -> float:
    if family_type == "gauge":
        return max(first, second)
    return min(first, second) if _decode_key(key)[0].endswith("_created") else first + second


def _drop_gauges(snapshot: Snapshot) -> Snapshot:
    return {name: family for name, family in snapshot.items() if family.type != "gauge"}
