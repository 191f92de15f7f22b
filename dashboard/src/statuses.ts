// How each status and state looks: a mark and a tone beside its word, so that colour is never the only sign.

export type Tone = "good" | "waiting" | "neutral" | "bad";

const MARKS: Record<Tone, string> = { good: "✓", waiting: "…", neutral: "–", bad: "✕" };
const TONES: Record<string, Tone> = {
  routed: "good", held: "waiting", dead: "bad", accepted: "neutral",
  PENDING: "waiting", SENT: "good", DELIVERED: "good", FAILED: "bad", BOUNCED: "bad",
  opened: "good", clicked: "good", pass: "good", hold: "waiting",
};

/** What a person declined or a rule decided is no failure: `rejected`, `merged`, `UNSUBSCRIBED` and unknown words are neutral. */
export const getTone = (status: string): Tone => TONES[status] ?? "neutral";
export const getMark = (status: string): string => MARKS[getTone(status)];

export const STATES = ["routed", "held", "merged", "rejected", "dead"] as const;
export const STATUSES = ["PENDING", "SENT", "DELIVERED", "FAILED", "BOUNCED", "UNSUBSCRIBED"] as const;
export const CHANNELS = ["email", "sms", "push", "webhook"] as const;
export const STAGES = ["router", "delivery", "scheduler", "recorder"] as const;
export const PRIORITIES = ["high", "medium", "low"] as const;
