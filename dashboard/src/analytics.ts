// What the page Analytics asks for and how it is drawn: times, steps, lines, words. Pure.

import type { Schemas } from "herold-client";
import { formatCode, formatCount, formatDuration } from "./format";

export type Series = Schemas["Series"];
export type LatencySeries = Schemas["LatencySeries"];
export type Metric = Schemas["SeriesResponse"]["metric"];
export type Step = Schemas["SeriesResponse"]["step"];
export type Group = Schemas["SeriesResponse"]["group_by"];

export interface Line {
  key: string;
  label: string;
  /** One for each step; null where nothing is known. */
  values: (number | null)[];
  isDashed?: boolean;
}
export interface Period {
  from: number;
  to: number;
}

const MINUTE = 60, HOUR = 3_600, DAY = 86_400;
export const RANGES = { "1h": HOUR, "6h": 6 * HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY } as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as Range[];
export const STEPS = { "60": "minute", "3600": "hour", "86400": "day" } as const;
export const METRICS = ["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"] as const satisfies readonly Metric[];
export const GROUPS = ["channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"] as const;

/** What each metric is, in the words of the guide; printed under its chart. */
export const DEFINITIONS: Record<Metric, string> = {
  accepted: "Notifications that were decided, whatever came of them.",
  decided: "Notifications whose state is routed, merged, rejected or dead: not held any more.",
  deliveries: "Deliveries of which an event is recorded, whatever their status.",
  sent: "Deliveries that a provider accepted: SENT, DELIVERED, BOUNCED or UNSUBSCRIBED.",
  delivered: "Deliveries that have arrived: DELIVERED or UNSUBSCRIBED.",
  failed: "Deliveries that are FAILED.",
  bounced: "Deliveries that are BOUNCED.",
  opened: "Deliveries that were opened, each once.",
  clicked: "Deliveries that were clicked in, each once.",
  cost: "Sent deliveries times the cost of a message on their channel, at today's settings.",
};

const NOTIFICATION_GROUPS: readonly Group[] = ["category", "type", "priority", "state", "reason"];
const ENGAGEMENT_GROUPS: readonly Group[] = ["channel", "category", "type", "template", "priority"];
const DELIVERY_GROUPS: readonly Group[] = ["channel", "category", "type", "template", "priority", "provider", "status", "reason"];

const countsNotifications = (metric: Metric) => metric === "accepted" || metric === "decided";

/** By what a metric can be grouped. */
export function listGroups(metric: Metric): readonly Group[] {
  if (countsNotifications(metric)) return NOTIFICATION_GROUPS;
  return metric === "opened" || metric === "clicked" ? ENGAGEMENT_GROUPS : DELIVERY_GROUPS;
}

/** The filters that a metric knows: notifications have neither channel nor template. */
export const listFilters = (metric: Metric) => countsNotifications(metric)
  ? (["priority", "category", "type"] as const)
  : (["priority", "channel", "category", "type", "template"] as const);

/** The chosen time; a range ends with the minute that has begun, so that one request follows the other within it. */
export function choosePeriod(search: { range?: Range; from?: string; to?: string }, now: number): Period {
  const from = Number(search.from), to = Number(search.to);
  if (from > 0 && to > from) return { from, to };
  const end = Math.ceil(now / MINUTE) * MINUTE;
  return { from: end - RANGES[search.range ?? "24h"], to: end };
}

/** The step of the URL as the API has it. */
export const readStep = (step: string | undefined) => (step ? (Number(step) as Step) : undefined);

/** The same time before. */
export const getPrevious = ({ from, to }: Period): Period => ({ from: 2 * from - to, to: from });

/** The beginnings of all steps of an answer. */
export function listSteps({ from, to, step }: { from: number; to: number; step: number }): number[] {
  return Array.from({ length: Math.max(0, Math.round((to - from) / step)) }, (_, number) => from + number * step);
}

/** The time of all steps from the one at `first` to the one at `last`, whole: a step is drawn at its beginning. */
export function selectSteps(steps: readonly number[], first: number, last: number): Period {
  const from = steps[first] ?? 0, end = steps[last] ?? from;
  const width = steps[1] === undefined ? MINUTE : steps[1] - (steps[0] ?? 0);
  return { from, to: end + width };
}

/** Lines with a number for each step: what the answer leaves out is 0. `shift` moves an earlier time over this one. */
export function buildLines(series: readonly Series[], steps: readonly number[], group: Group, shift = 0): Line[] {
  return series.map(({ key, points }) => {
    const values = new Map(points.map(([at, value]) => [(at ?? 0) + shift, value ?? 0]));
    return { key, label: describeKey(key, group), values: steps.map((at) => values.get(at) ?? 0), isDashed: shift > 0 };
  });
}

/** Lines of one percentile of each key; steps without a hand-over have none. */
export function buildLatencyLines(series: readonly LatencySeries[], steps: readonly number[], share: "p50" | "p95" | "p99"): Line[] {
  return series.map(({ key, points }) => {
    const values = new Map(points.map((point) => [point.at, point[share]]));
    return { key, label: key || "all", values: steps.map((at) => values.get(at) ?? null) };
  });
}

/** The name of a series. */
export function describeKey(key: string, group: Group): string {
  if (key === "*") return "all others";
  if (group === "none") return "all";
  return key === "" ? `without ${group}` : group === "reason" ? formatCode(key) : key;
}

export const sum = (values: readonly (number | null)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** How much more than before, such as "+12 %"; empty without a number before. */
export function formatChange(total: number, before: number): string {
  if (!before) return "";
  const change = Math.round(((total - before) / before) * 100);
  return `${change > 0 ? "+" : ""}${change} %`;
}

export const formatAmount = (value: number) => (Number.isInteger(value) ? formatCount(value) : value.toFixed(2));

/** What a chart shows, for who cannot see it. */
export function describeChart(title: string, lines: readonly Line[], format: (value: number) => string, isTotal: boolean): string {
  if (!lines.length) return `${title}: nothing in this time`;
  const parts = lines.slice(0, 5).map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    return `${label} ${isTotal ? format(sum(known)) : `at most ${format(Math.max(0, ...known))}`}`;
  });
  return `${title}: ${parts.join(", ")}${lines.length > 5 ? ` and ${lines.length - 5} more` : ""}`;
}

/** From which time on steps may still change: their end is not a minute old. */
export const findLateStart = (asOf: number, step: number) => Math.floor((asOf - MINUTE) / step) * step;

/** The filter of the list of notifications that has what a series counts in a time; none where that list has no such filter. */
export function buildListFilter(group: Group, key: string, { from, to }: Period): Record<string, string> | undefined {
  if (!key || key === "*" || !["channel", "category", "type", "priority", "state", "reason"].includes(group)) return undefined;
  return { [group]: key, since: String(Math.floor(from)), until: String(Math.ceil(to)) };
}

/** How bad a burn rate is, by the thresholds of Google's SRE workbook: 14.4 uses 2 % of a month's budget in an hour. */
export function judgeBurn(rate: number | null): { tone: "good" | "waiting" | "bad" | "neutral"; word: string } {
  if (rate === null) return { tone: "neutral", word: "too few" };
  if (rate <= 1) return { tone: "good", word: "within budget" };
  return rate < 6 ? { tone: "waiting", word: "too fast" } : { tone: "bad", word: "much too fast" };
}

/** How long something has waited, against its target: at risk from half of it on. */
export function judgeWait(seconds: number, target: number): { tone: "good" | "waiting" | "bad"; word: string } {
  if (seconds > target) return { tone: "bad", word: `missed by ${formatDuration(seconds - target)}` };
  return seconds > target / 2 ? { tone: "waiting", word: "at risk" } : { tone: "good", word: "in time" };
}
