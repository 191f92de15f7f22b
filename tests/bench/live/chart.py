"""Draws the figures of the runs as an SVG: the cores by process as stacked bars, and the latencies on a logarithmic scale."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

ROW_HEIGHT = 26
TOP = 76
LABELS_WIDTH = 130
BARS_WIDTH = 470  # for the longest bar and its text
BAR_TEXT_WIDTH = 120
LATENCY_LEFT = LABELS_WIDTH + BARS_WIDTH + 40
LATENCY_WIDTH = 300
WIDTH = LATENCY_LEFT + LATENCY_WIDTH + 40
LATENCY_RANGE_MS = (1.0, 10_000.0)
FONTS = "Helvetica, Arial, DejaVu Sans, sans-serif"
COLORS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#9c755f", "#76b7b2", "#e15759")


@dataclass(frozen=True)
class ChartRow:
    """A run: its cores by process, a text behind the bar, and its latency percentiles in milliseconds, empty without any."""

    label: str
    cores: Mapping[str, float]
    text: str
    percentiles_ms: Sequence[float] = ()


def draw_chart(title: str, rows: Sequence[ChartRow]) -> str:
    """Draw the rows below each other."""
    height = TOP + ROW_HEIGHT * len(rows) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="{FONTS}" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _draw_text(10, 20, title, size=15),
        *_draw_legend(list(rows[0].cores)),
        _draw_text(LATENCY_LEFT, 44, "milliseconds to the sink: p50, p90, p99"),
        *_draw_scale(height),
    ]
    longest = max(sum(row.cores.values()) for row in rows)
    for number, row in enumerate(rows):
        lines += _draw_row(row, TOP + ROW_HEIGHT * number, (BARS_WIDTH - BAR_TEXT_WIDTH) / longest)
    return "\n".join((*lines, "</svg>", ""))


def _draw_legend(names: Sequence[str]) -> Iterator[str]:
    yield _draw_text(10, 44, "cores in use:")
    left = LABELS_WIDTH
    for name, color in zip(names, COLORS, strict=True):
        yield f'<rect x="{left}" y="34" width="11" height="11" fill="{color}"/>'
        yield _draw_text(left + 15, 44, name)
        left += 26 + 7 * len(name)


def _draw_scale(height: int) -> Iterator[str]:
    low, high = (round(math.log10(limit)) for limit in LATENCY_RANGE_MS)
    for exponent in range(low, high + 1):
        left = scale_latency(10.0**exponent)
        yield f'<line x1="{left:.1f}" y1="{TOP - 8}" x2="{left:.1f}" y2="{height - 24}" stroke="#ddd"/>'
        yield _draw_text(left, height - 10, f"{10**exponent:,}", anchor="middle")


def _draw_row(row: ChartRow, top: int, bar_scale: float) -> Iterator[str]:
    yield _draw_text(LABELS_WIDTH - 8, top + 14, row.label, anchor="end")
    left = float(LABELS_WIDTH)
    for cores, color in zip(row.cores.values(), COLORS, strict=True):
        width = cores * bar_scale
        yield f'<rect x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="15" fill="{color}"/>'
        left += width
    yield _draw_text(left + 6, top + 14, row.text)
    yield from _draw_latencies([scale_latency(ms) for ms in row.percentiles_ms], top + 10)


def _draw_latencies(lefts: Sequence[float], middle: int) -> Iterator[str]:
    if lefts:
        yield f'<line x1="{lefts[0]:.1f}" y1="{middle}" x2="{lefts[-1]:.1f}" y2="{middle}" stroke="#4e79a7" stroke-width="2"/>'
    for left, radius in zip(lefts, (5, 4, 3), strict=False):
        yield f'<circle cx="{left:.1f}" cy="{middle}" r="{radius}" fill="#4e79a7"/>'


def scale_latency(ms: float) -> float:
    """The horizontal position of a latency; one outside of the range is at its border."""
    low, high = (math.log10(limit) for limit in LATENCY_RANGE_MS)
    position = (math.log10(max(ms, LATENCY_RANGE_MS[0])) - low) / (high - low)
    return LATENCY_LEFT + LATENCY_WIDTH * min(position, 1.0)


def _draw_text(left: float, bottom: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{left:.1f}" y="{bottom:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222">{escape(text)}</text>'
