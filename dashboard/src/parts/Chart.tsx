import { Button, Group, Text, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";
import { describeChart, selectSteps, sum, type Line, type Period } from "../analytics";
import { useDisplay, type Display } from "../display";
import { formatAxis, formatTime } from "../format";

interface ChartProps {
  title: string;
  /** The beginnings of the steps, epoch seconds; each line has a value for each of them. */
  steps: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  /** Whether the values of a line add up; else the legend has the last one. */
  isTotal?: boolean;
  /** From this time on the steps may still change; they are hatched. */
  lateFrom?: number;
  /** The steps whose points were chosen by dragging, as a time. */
  onSelect?: (period: Period) => void;
  /** What the name of a line in the legend leads to. */
  renderName?: (line: Line) => ReactNode;
}

const HEIGHT = 260;
// told apart by colour-blind people (Okabe and Ito), with a contrast of 3:1 on the background of each scheme; dashes repeat the difference
const COLORS = {
  light: ["#0059a8", "#b34700", "#007a5a", "#9b3f78", "#6b5a00", "#3b6fb5", "#8a2c0d", "#4d4d4d"],
  dark: ["#6cb8f0", "#f0a03c", "#3fcf9f", "#e08cc0", "#e8dc60", "#9db8ff", "#ff8f73", "#c8c8c8"],
};
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const MAX_TABLE_ROWS = 500;
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();

/** Lines over time, with a legend that says the numbers, and a table of the same. Dragging selects a time. */
export function Chart({ title, steps, lines, format, isTotal = true, lateFrom, onSelect, renderName }: ChartProps) {
  const scheme = useComputedColorScheme("light");
  const { zone } = useDisplay();
  const { ref: box, width } = useElementSize();
  const canvas = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  const select = useRef(onSelect);
  useEffect(() => { select.current = onSelect; }, [onSelect]);
  const data = useMemo<uPlot.AlignedData>(() => [[...steps], ...lines.map((line) => line.values)], [steps, lines]);
  useEffect(() => {
    if (isTable || !canvas.current || width < 50) return;
    const options = buildOptions({ lines, width, scheme, zone, format, lateFrom, onCursor: setAt, onSelect: (first, last) => select.current?.(selectSteps(steps, first, last)) });
    const plot = new uPlot(options, data, canvas.current);
    return () => plot.destroy();
  }, [data, steps, lines, width, scheme, zone, format, lateFrom, isTable]);
  const index = at === null || at >= steps.length ? null : at;
  return (
    <figure className="chart">
      <Group justify="space-between" mb={4} wrap="nowrap">
        <Text size="xs" className="dim number" aria-hidden>{index === null ? (onSelect ? "Drag to choose a time" : "") : formatTime(steps[index] ?? 0)}</Text>
        <Button size="compact-xs" variant="subtle" aria-pressed={isTable} onClick={() => setTable(!isTable)}>{isTable ? "Show as chart" : "Show as table"}</Button>
      </Group>
      <div ref={box} className="plot">
        {isTable
          ? <StepTable title={title} steps={steps} lines={lines} format={format} />
          : <div ref={canvas} role="img" aria-label={describeChart(title, lines, format, isTotal)} />}
      </div>
      <ul className="legend" aria-label={`${title}, by series`}>
        {lines.map((line, number) => (
          <li key={`${line.key}${line.isDashed ? " before" : ""}`}>
            <Sample color={pickColor(scheme, number)} dashes={line.isDashed ? [2, 4] : pickDashes(number)} />
            <span className="name">{renderName?.(line) ?? line.label}</span>
            <b className="number">{formatLegend(line, index, format, isTotal)}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function formatLegend({ values }: Line, index: number | null, format: (value: number) => string, isTotal: boolean): string {
  const value = index !== null ? values[index] : isTotal ? sum(values) : values.findLast((one) => one !== null);
  return value === null || value === undefined ? "–" : format(value);
}

const pickColor = (scheme: "light" | "dark", number: number) => COLORS[scheme][number % COLORS[scheme].length] ?? "#808080";
const pickDashes = (number: number) => DASHES[Math.floor(number / COLORS.light.length) % DASHES.length] ?? [];

function Sample({ color, dashes }: { color: string; dashes: number[] }) {
  return (
    <svg width="18" height="8" aria-hidden>
      <line x1="0" x2="18" y1="4" y2="4" stroke={color} strokeWidth="2.5" strokeDasharray={dashes.join(" ")} />
    </svg>
  );
}

function StepTable({ title, steps, lines, format }: Pick<ChartProps, "title" | "steps" | "lines" | "format">) {
  const shown = steps.map((at, index) => ({ at, index })).toReversed().filter(({ index }) => lines.some((line) => line.values[index]));
  return (
    <div className="list steps-table" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table>
        <thead><tr><th scope="col">Time</th>{lines.map((line) => <th scope="col" key={line.label} className="amount">{line.label}</th>)}</tr></thead>
        <tbody>
          {shown.slice(0, MAX_TABLE_ROWS).map(({ at, index }) => (
            <tr key={at}>
              <td><span className="cell number">{formatTime(at)}</span></td>
              {lines.map((line) => <td key={line.label} className="amount number"><span className="cell">{format(line.values[index] ?? 0)}</span></td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length ? null : <p className="none dim">Nothing in this time.</p>}
    </div>
  );
}

interface PlotOptions extends Pick<ChartProps, "lines" | "format" | "lateFrom"> {
  width: number;
  scheme: "light" | "dark";
  zone: Display["zone"];
  onCursor: (index: number | null) => void;
  onSelect: (first: number, last: number) => void;
}

function buildOptions({ lines, width, scheme, zone, format, lateFrom, onCursor, onSelect }: PlotOptions): uPlot.Options {
  const [text, grid] = scheme === "dark" ? ["#c9c9c9", "#3b3b3b"] : ["#495057", "#e3e6ea"];
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    ...(zone === "utc" ? { tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC") } : {}), // a day begins at the axis where it does in the zone that is shown
    scales: { y: { range: (_, __, highest) => [0, highest > 0 ? highest * 1.08 : 1] } },
    padding: [null, 28, null, null],
    axes: [
      { ...axis, values: (_, splits, __, ___, increment) => formatAxis(splits, increment) },
      { ...axis, size: 64, values: (_, values) => values.map(format), ...(areWhole(lines) ? { incrs: WHOLE } : {}) },
    ],
    series: [{}, ...lines.map((line, number) => ({
      label: line.label, stroke: pickColor(scheme, number), width: line.isDashed ? 1.5 : 2, dash: line.isDashed ? [2, 4] : pickDashes(number), spanGaps: false,
      points: { show: line.values.filter((value) => value !== null).length < 40, size: 5 },
    }))],
    cursor: { drag: { x: true, y: false, setScale: false } },
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => selectPoints(plot, onSelect)],
      drawClear: lateFrom === undefined ? [] : [(plot) => hatch(plot, lateFrom, grid)],
    },
  };
}

const areWhole = (lines: readonly Line[]) => lines.every(({ values }) => values.every((value) => value === null || Number.isInteger(value)));

function selectPoints(plot: uPlot, onSelect: PlotOptions["onSelect"]): void {
  const { left, width } = plot.select;
  if (width < 8) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onSelect(plot.posToIdx(left), plot.posToIdx(left + width));
}

function hatch(plot: uPlot, from: number, color: string): void {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(from, "x", true)), right = bbox.left + bbox.width;
  if (left >= right) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = 2;
  for (let x = left - bbox.height; x < right; x += 10) {
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
    ctx.stroke();
  }
  ctx.restore();
}
