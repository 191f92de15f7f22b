// What a broadcast is doing, and which actions its state allows.

import type { Schemas } from "herold-client";
import { formatCount } from "./format";
import type { Tone } from "./statuses";

export type BroadcastState = Schemas["Broadcast"]["state"];
/** What became of it, as of `counted_at`. */
export interface BroadcastCounts {
  counted_at: number;
  decided_count: number;
  waiting_count: number;
  notifications: Record<string, number>;
  notification_reasons: Record<string, Record<string, number>>;
  deliveries: Record<string, number>;
  delivery_reasons: Record<string, Record<string, number>>;
}
/** How far its cancel is, which also cancels what the scheduler holds. */
export interface BroadcastCancellation {
  is_done: boolean;
  checked_count: number;
  waiting_count: number | null;
  cancelled_count: number;
}
/** A gateway of an older release has no counts. */
export type Broadcast = Schemas["Broadcast"] & { counts?: BroadcastCounts | null; cancellation?: BroadcastCancellation | null };
export type BroadcastAction = "pause" | "resume" | "cancel";

const ACTIONS: Record<BroadcastState, BroadcastAction[]> = { pending: ["pause", "cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"], done: ["cancel"], failed: ["cancel"], cancelled: [] };
const TONES: Record<BroadcastState, Tone> = { pending: "waiting", running: "waiting", paused: "neutral", done: "good", failed: "bad", cancelled: "neutral" };

export const BROADCAST_STATES = ["pending", "running", "paused", "done", "failed", "cancelled"] as const;
export const getBroadcastTone = (state: BroadcastState): Tone => TONES[state];

/** Of one that has ended, only what it holds can be cancelled. */
export function listActions(broadcast: Broadcast): BroadcastAction[] {
  const hasEnded = broadcast.state === "done" || broadcast.state === "failed";
  return hasEnded && !broadcast.counts?.waiting_count ? [] : ACTIONS[broadcast.state];
}

/** Whether it changes by itself. */
export const isGoing = ({ state, counts, cancellation }: Broadcast): boolean =>
  state === "pending" || state === "running" || (state === "cancelled" && cancellation?.is_done === false) || (state === "done" && counts === null);

/** How much of it is expanded, from 0 to 100; undefined as long as the users are not counted. */
export const findProgress = ({ total_count, expanded_count }: Pick<Broadcast, "total_count" | "expanded_count">): number | undefined =>
  total_count === null ? undefined : total_count ? Math.min(100, (100 * expanded_count) / total_count) : 100;

/** How fast it goes, such as "500 users per second". */
export const describeRate = (rate: number | null): string => (rate ? `${formatCount(rate)} ${rate === 1 ? "user" : "users"} per second` : "as fast as it goes");

/** Counts with their reasons, largest first. */
export function listCounts(counts: Record<string, number>, reasons: Record<string, Record<string, number>>): { name: string; count: number; reasons: [string, number][] }[] {
  return Object.entries(counts)
    .filter(([, count]) => count)
    .map(([name, count]) => ({ name, count, reasons: Object.entries(reasons[name] ?? {}).filter(([reason]) => reason).sort((a, b) => b[1] - a[1]) }))
    .sort((a, b) => b.count - a.count);
}
