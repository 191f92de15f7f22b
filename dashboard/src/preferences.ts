// The choices of a user as a matrix of categories and channels, and quiet hours as parts of a day.

import type { Schemas } from "herold-client";

export type Preference = Schemas["Preference"];
type Change = Schemas["PreferenceChange"];
export type Choice = Preference["choice"];
export type PreferenceChannel = NonNullable<Preference["channel"]>;
export type DigestChoice = NonNullable<Preference["digest"]>;

/** What was chosen for exactly this category and channel; empty ones stand for all. */
export const findPreference = (items: readonly Preference[], category: string, channel: PreferenceChannel): Preference | undefined =>
  items.find((item) => (item.category ?? "") === category && (item.channel ?? "") === channel);

/** What counts where nothing was chosen: the choice for the category, else for the channel, else for everything. */
export function findInherited(items: readonly Preference[], category: string, channel: PreferenceChannel): Choice | undefined {
  const places: [string, PreferenceChannel][] = [[category, ""], ["", channel], ["", ""]];
  for (const [ofCategory, ofChannel] of places) {
    if (ofCategory === category && ofChannel === channel) continue;
    const found = findPreference(items, ofCategory, ofChannel);
    if (found) return found.choice;
  }
  return undefined;
}

/** The change that sets a choice, or removes it; a digest that was chosen stays with its choice. */
export function buildChoice(items: readonly Preference[], category: string, channel: PreferenceChannel, choice: Choice | null): Change {
  const digest = choice ? (findPreference(items, category, channel)?.digest ?? "") : "";
  return { category, channel, choice, ...(digest ? { digest } : {}) };
}

/** The change that takes another one back. */
export function buildUndo(items: readonly Preference[], { category = "", channel = "" }: Change): Change {
  const before = findPreference(items, category, channel);
  return before ? { ...before, category, channel } : { category, channel, choice: null };
}

/** The categories of rules and of choices, in order; the choices of one that no rule has any more can still be seen and removed. */
export const listCategories = (ofRules: readonly string[], items: readonly Preference[]): string[] =>
  [...new Set([...ofRules, ...items.map((item) => item.category ?? "")])].filter(Boolean).sort();

const DAY_MINUTES = 1440;

export function toMinutes(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

/** The quiet parts of a day, as shares of it: two if they go over midnight, the whole day if they end as they begin. */
export function listQuietParts({ start, end }: Schemas["QuietHours"]): { from: number; to: number }[] {
  const [from, to] = [toMinutes(start) / DAY_MINUTES, toMinutes(end) / DAY_MINUTES];
  if (from < to) return [{ from, to }];
  return [{ from, to: 1 }, ...(to > 0 ? [{ from: 0, to }] : [])];
}

/** The time of day in a zone, such as 14:05. An unknown zone is UTC. */
export function formatTimeOfDay(seconds: number, zone: string): string {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone || "UTC" }).format(seconds * 1000);
  } catch {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(seconds * 1000);
  }
}
