// Rules as values: their defaults, limits in words, and what a simulation says of a change.

import type { Schemas } from "herold-client";
import { formatCode } from "./format";

export type Rule = Schemas["RuleEntry"];
export type RateLimit = Schemas["RateLimit"];
export type Result = Schemas["SimulatedResult"];

const DEFAULTS: Partial<Record<keyof Rule, unknown>> = { strategy: "all", over_limit: "reject", escalate_unless: "delivered" };

/** The fields of a rule that the form has, in its order. */
export const FORM_FIELDS = [
  "category", "channels", "strategy", "escalate_after", "escalate_unless", "template", "priority", "priorities", "condition",
  "mandatory", "consent", "quiet_hours", "over_limit", "expires_after", "digest", "email_options",
] as const satisfies readonly (keyof Rule)[];

export const buildEmptyRule = (type: string): Rule => ({ type, category: "", channels: [] });

/** The rule without what is as by default, in the order of the form, so that two can be compared. */
export function cleanRule(rule: Rule): Rule {
  const entries = FORM_FIELDS.map((name) => [name, rule[name]] as const).filter(([name, value]) => name === "category" || name === "channels" || isSet(value, DEFAULTS[name]));
  return { type: rule.type, ...Object.fromEntries(entries) } as Rule;
}

const isSet = (value: unknown, usual: unknown) => value !== usual && value !== undefined && value !== null && value !== "" && value !== 0 && value !== false && !(Array.isArray(value) && !value.length);

export const isSameRule = (one: Rule, other: Rule) => JSON.stringify(cleanRule(one)) === JSON.stringify(cleanRule(other));

const UNITS: [number, string][] = [[86_400, "d"], [3_600, "h"], [60, "min"]];

/** A window or an age in seconds, such as "7 d" or "90 s": the largest unit that has no rest. */
export function formatWindow(seconds: number): string {
  const unit = UNITS.find(([size]) => seconds >= size && seconds % size === 0);
  return unit ? `${seconds / unit[0]} ${unit[1]}` : `${seconds} s`;
}

/** The limits that count notifications of a category, in words. */
export const describeLimits = (limits: readonly RateLimit[], category: string): string =>
  limits.filter((limit) => !limit.category || limit.category === category)
    .map((limit) => `${limit.max_count} in ${formatWindow(limit.window_seconds)}${limit.channel ? ` (${limit.channel})` : ""}${limit.tier ? ` for ${limit.tier}` : ""}`)
    .join(", ");

/** What a rule sends, in words. */
export function describeChannels({ channels, strategy }: Rule): string {
  const words = { all: ", ", first: " or ", escalate: " then " } as const;
  return channels.join(words[strategy ?? "all"]);
}

/** A result of a simulation in words, such as "rejected by rule: condition". */
export function describeResult({ state, gate, reason, priority, channels = [], templates = [] }: Result): string {
  if (gate) return `${state} by ${formatCode(gate)}: ${formatCode(reason ?? "")}`;
  const sent = channels.map((channel, index) => (templates[index] ? `${channel} with ${templates[index]}` : channel)).join(", ");
  return [state, priority, sent].filter(Boolean).join(", ");
}

/** What kind of change it is, in a few words. */
export function classifyChange(before: Result, after: Result): string {
  if (before.state !== after.state) return `${before.state} → ${after.state}`;
  if (before.gate !== after.gate || before.reason !== after.reason) return "other reason";
  if (String(before.channels) !== String(after.channels)) return "other channels";
  if (before.priority !== after.priority) return `priority ${before.priority} → ${after.priority}`;
  return "other template";
}

const ENDS: Record<Schemas["TypeSimulationReport"]["end"], string> = {
  count: "", all: "Kafka has no more of this type.", records: "No more were found among the newest 50,000 records of all types.", time: "The search ended after 8 seconds.",
};
export const describeEnd = (end: Schemas["TypeSimulationReport"]["end"]): string => ENDS[end];

const SKIPPED: Record<string, string> = {
  resumed: "were resumed after a hold", repartitioned: "were on another partition than their user's, and come again", replayed: "have the id of an earlier one",
};
export const describeSkipped = (skipped: Record<string, number>): string[] => Object.entries(skipped).map(([reason, count]) => `${count} ${SKIPPED[reason] ?? reason}`);
