// How the pipeline is read and drawn: numbers that do not jump, and the picture made of the API's nodes. Pure.

import type { Schemas } from "herold-client";
import { formatCount, LOCALE } from "./format";

export type Topology = Schemas["TopologyResponse"];
export type TopologyNode = Schemas["TopologyNode"];
type Kind = TopologyNode["kind"];

/** A place of the picture: topics of three priorities are one, and tables are within their role. */
export interface Place {
  id: string;
  kind: Kind;
  label: string;
  rateIn: number | null;
  rateOut: number | null;
  /** Records that wait; null if it is not known. */
  waiting: number | null;
  /** Seconds that the first of them has waited at least. */
  seconds: number;
  workers: string[];
  problem: string;
  topics: TopologyNode[];
  tables: TopologyNode[];
}
export interface Way {
  id: string;
  source: string;
  target: string;
  rate: number | null;
}

const compact = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });

/** A count that fits into few characters: 12, 1.2K, 3.4M. */
export const formatCompact = (value: number) => (value < 1_000 ? String(Math.round(value)) : compact.format(value));

/** A rate per second; a dash if it is not known. */
export function formatRate(rate: number | null | undefined): string {
  if (rate === null || rate === undefined) return "–";
  if (rate < 0.05) return "0/s";
  return `${rate < 9.95 ? rate.toFixed(1) : formatCompact(rate)}/s`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

/** How long something has lasted, in its largest unit: it changes seldom. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.floor(Math.max(0, seconds))} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Numbers with ranges: "0–3, 7". */
export function formatPartitions(partitions: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const partition of partitions) {
    const last = ranges.at(-1);
    if (last && last[1] === partition - 1) last[1] = partition;
    else ranges.push([partition, partition]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/** What waits, in words; empty if it is not known. */
export function describeLag(lag: Schemas["Lag"] | null | undefined): string {
  if (!lag) return "";
  return lag.messages ? `${formatCount(lag.messages)}, for ${formatAge(lag.seconds)} or longer` : "0";
}

/** The share of a recovery that is done, 0 to 100. */
export const getProgress = ({ total, remaining }: { total: number; remaining: number }) => (total ? Math.floor((100 * (total - remaining)) / total) : 0);

/** The places of the picture in the order of the API, and the ways between them with the sums of their rates. */
export function buildPicture({ nodes, edges }: Topology): { places: Place[]; ways: Way[] } {
  const groups = new Map<string, TopologyNode[]>();
  for (const node of nodes) groups.set(node.group, [...(groups.get(node.group) ?? []), node]);
  const places = [...groups].map(([id, members]) => buildPlace(id, members));
  const groupOf = new Map(nodes.map((node) => [node.id, node.group]));
  const ways = new Map<string, Way>();
  for (const edge of edges) {
    const source = groupOf.get(edge.source), target = groupOf.get(edge.target);
    if (!source || !target || source === target) continue;
    const id = `${source} ${target}`;
    ways.set(id, { id, source, target, rate: sumKnown([ways.get(id)?.rate, edge.rate]) });
  }
  return { places, ways: [...ways.values()] };
}

function buildPlace(id: string, members: TopologyNode[]): Place {
  const topics = members.filter((node) => node.kind === "topic"), tables = members.filter((node) => node.kind === "table");
  const counted = topics.length ? topics : members.filter((node) => node.kind !== "table");
  const lags = counted.flatMap((node) => (node.lag ? [node.lag] : []));
  return {
    id,
    kind: counted[0]!.kind,
    label: topics.length ? id.slice("topics:".length) : counted[0]!.label,
    rateIn: sumKnown(counted.map((node) => node.rate_in)),
    rateOut: sumKnown(counted.map((node) => node.rate_out)),
    waiting: lags.length ? lags.reduce((sum, lag) => sum + lag.messages, 0) : null,
    seconds: Math.max(0, ...lags.map((lag) => lag.seconds)),
    workers: counted[0]!.workers ?? [],
    problem: counted.map((node) => node.problem).find(Boolean) ?? "",
    topics,
    tables,
  };
}

const sumKnown = (rates: (number | null | undefined)[]): number | null => {
  const known = rates.filter((rate) => typeof rate === "number");
  return known.length ? known.reduce((sum, rate) => sum + rate, 0) : null;
};

/** How many webhooks of a worker wait behind another one of their ordered endpoint; empty if none does. */
export const describeOrdered = (count = 0): string => (count ? `${formatCount(count)} ${count === 1 ? "webhook waits for its" : "webhooks wait for their"} turn` : "");

/** Whether a way leads on, from producers to history; others lead back, and do not decide where a place is drawn. */
export function leadsOn({ source, target }: Way): boolean {
  if (target === "topics:notifications") return source === "producers";
  if (target === "topics:scheduled" || target.startsWith("topics:deliveries.")) return source === "role:router";
  return source !== "producers" && !(source === "role:recorder" && target.startsWith("topics:"));
}

/** The width of a way in pixels: each step is twice the rate. */
export const getWidth = (rate: number | null) => (rate ? Math.min(9, 1.25 + Math.log2(1 + rate) / 1.6) : 1);

/** How bad it is that records wait: the first has waited at least so many seconds. */
export const getLagTone = (seconds: number) => (seconds > 60 ? "bad" : seconds > 10 ? "waiting" : "neutral");

/** The places that a node of the URL means: one topic, or all of a place. */
export function findPlace(places: readonly Place[], id: string | undefined): Place | undefined {
  const found = places.find((place) => place.id === id);
  if (found) return found;
  const place = places.find((one) => one.topics.some((topic) => topic.id === id));
  return place && { ...place, topics: place.topics.filter((topic) => topic.id === id), label: id!.slice("topic:".length) };
}
