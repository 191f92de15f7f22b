// What is stored of a user, as words and as the fields of a form.

import type { Schemas } from "herold-client";
import { readJson, writeJson, type JsonObject } from "./json";
import type { ConflictField } from "./parts/ConflictPanel";
import { CHANNELS } from "./statuses";

type User = Schemas["User"];
type UserChange = Schemas["UserChange"];
type Channel = (typeof CHANNELS)[number];

/** The fields of a form, all as texts; addresses one on a line. */
export interface UserDraft {
  email: string;
  sms: string;
  push: string;
  webhook: string;
  locale: string;
  time_zone: string;
  tier: string;
  attributes: string;
}
export const USER_FIELDS: readonly (readonly [keyof UserDraft, string])[] = [
  ["email", "E-mail addresses"], ["sms", "Telephone numbers"], ["webhook", "Webhooks"], ["locale", "Locale"], ["time_zone", "Time zone"],
  ["tier", "Tier"], ["attributes", "Attributes"],
];
export const EMPTY_DRAFT: UserDraft = { email: "", sms: "", push: "", webhook: "", locale: "", time_zone: "", tier: "", attributes: "" };

/** The addresses of a user in one line, at most one of each channel; how many there are else. */
export function describeAddresses(addresses: User["addresses"] | undefined): string {
  return CHANNELS.map((channel) => addresses?.[channel] ?? [])
    .flatMap(([first, ...others]) => (first ? [others.length ? `${first} +${others.length}` : first] : []))
    .join(", ");
}

export function buildDraft(user: User): UserDraft {
  const addresses = Object.fromEntries(CHANNELS.map((channel) => [channel, (user.addresses[channel] ?? []).join("\n")])) as Record<Channel, string>;
  const { locale, time_zone, tier } = user;
  return { ...addresses, locale, time_zone, tier, attributes: Object.keys(user.attributes).length ? writeJson(user.attributes) : "" };
}

/** What of the draft differs from the one that it began as. Throws SyntaxError if the attributes are no JSON. */
export function buildChange(start: UserDraft, draft: UserDraft): UserChange {
  const isChanged = (name: keyof UserDraft) => start[name].trim() !== draft[name].trim();
  const change: UserChange = {};
  if (CHANNELS.some(isChanged)) change.addresses = Object.fromEntries(CHANNELS.flatMap((channel) => (listLines(draft[channel]).length ? [[channel, listLines(draft[channel])]] : [])));
  for (const name of ["locale", "time_zone", "tier"] as const) if (isChanged(name)) change[name] = draft[name].trim();
  if (isChanged("attributes")) change.attributes = readAttributes(draft.attributes);
  return change;
}

/** What was typed here and is something else in the version that is stored now. */
export const listConflicts = (start: UserDraft, mine: UserDraft, theirs: UserDraft): ConflictField[] =>
  USER_FIELDS.filter(([name]) => mine[name].trim() !== start[name].trim() && mine[name].trim() !== theirs[name].trim())
    .map(([name, label]) => ({ label, mine: mine[name], theirs: theirs[name] }));

/** The draft on top of what somebody else has stored meanwhile: only what was changed here differs from it. */
export const rebaseDraft = (start: UserDraft, mine: UserDraft, theirs: UserDraft): UserDraft =>
  Object.fromEntries(Object.keys(theirs).map((name) => {
    const key = name as keyof UserDraft;
    return [key, mine[key].trim() === start[key].trim() ? theirs[key] : mine[key]];
  })) as unknown as UserDraft;

function readAttributes(text: string): JsonObject {
  const { value, problem } = readJson(text, {});
  if (!value) throw new SyntaxError(problem);
  return value;
}

const listLines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** The messages of a day by channel, the latest day first. */
export interface DayCounts {
  day: string;
  total: number;
  byChannel: Partial<Record<Channel, number>>;
}

export function groupByDay(counts: readonly Schemas["DailyCount"][]): DayCounts[] {
  const days = new Map<string, DayCounts>();
  for (const { day, channel, sent } of counts) {
    const row = days.get(day) ?? { day, total: 0, byChannel: {} };
    row.byChannel[channel] = (row.byChannel[channel] ?? 0) + sent;
    row.total += sent;
    days.set(day, row);
  }
  return [...days.values()].sort((a, b) => b.day.localeCompare(a.day));
}
