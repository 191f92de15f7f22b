// Roles of accounts and keys, and how times of expiry are chosen.

export const ROLES = ["admin", "operator", "developer", "viewer", "service"] as const;
export type Role = (typeof ROLES)[number];

export const ROLE_TEXTS: Record<Role, string> = {
  admin: "everything, keys and accounts too",
  operator: "pauses, redrives, suppresses; reads users",
  developer: "rules and templates; sends",
  viewer: "reads, but no users",
  service: "a producer: sends, and reads what became of it",
};

const DAY = 86_400;

/** For how long a new key counts: the seconds, and the words. */
export const LIFETIMES: readonly (readonly [number, string])[] = [[30 * DAY, "30 days"], [90 * DAY, "90 days"], [365 * DAY, "a year"], [0, "for ever"]];

/** For how long the secret before a rotation counts, too. */
export const OVERLAPS: readonly (readonly [number, string])[] = [[3_600, "an hour"], [DAY, "a day"], [7 * DAY, "a week"], [0, "not at all: it leaked"]];

interface KeyTimes {
  revoked_at: number | null;
  expires_at: number | null;
  last_used_at: number | null;
}

/** The state of a key at a time, in one word. */
export function findKeyState(key: KeyTimes, now: number): "revoked" | "expired" | "unused" | "active" {
  if (key.revoked_at !== null && key.revoked_at <= now) return "revoked";
  if (key.expires_at !== null && key.expires_at <= now) return "expired";
  return key.last_used_at === null ? "unused" : "active";
}
