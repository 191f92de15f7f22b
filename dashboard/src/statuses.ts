// How each status and state looks: a mark and a tone beside its word, so that colour is never the only sign.

export type Tone = "good" | "waiting" | "neutral" | "bad";

export const MARKS: Record<Tone, string> = { good: "✓", waiting: "…", neutral: "–", bad: "✕" };
const TONES: Record<string, Tone> = {
  routed: "good", held: "waiting", dead: "bad", accepted: "neutral",
  PENDING: "waiting", SENT: "good", DELIVERED: "good", FAILED: "bad", BOUNCED: "bad",
  running: "good", complete: "good", starting: "waiting", rebalancing: "waiting", recovering: "waiting", silent: "bad", missing: "bad", incomplete: "bad",
  critical: "bad", warning: "waiting", opened: "good", clicked: "good", pass: "good", hold: "waiting",
};

/** What a person declined or a rule decided is no failure: `rejected`, `merged`, `UNSUBSCRIBED` and unknown words are neutral. */
export const getTone = (status: string): Tone => TONES[status] ?? "neutral";
export const getMark = (status: string): string => MARKS[getTone(status)];

/** How it ended for the reader: one that is routed is as good as its deliveries are; with some good and some bad ones, neither. */
export function judgeOutcome(state: string, statuses: readonly string[]): Tone {
  if (state !== "routed" || !statuses.length) return getTone(state);
  const [first = "neutral", ...others] = new Set(statuses.map(getTone));
  return others.length ? "waiting" : first;
}

export const STATES = ["routed", "held", "merged", "rejected", "dead"] as const;
export const STATUSES = ["PENDING", "SENT", "DELIVERED", "FAILED", "BOUNCED", "UNSUBSCRIBED"] as const;
export const CHANNELS = ["email", "sms", "push", "webhook"] as const;
export const STAGES = ["router", "delivery", "scheduler", "recorder"] as const;
export const PRIORITIES = ["high", "medium", "low"] as const;
export const ROLES = ["gateway", "router", "email", "sms", "push", "webhook", "scheduler", "recorder"] as const;
