// What is said of an attempt at a webhook endpoint, and of an endpoint without one.

import type { Schemas } from "herold-client";
import { formatCode, formatMoment } from "./format";

type Attempt = Schemas["EndpointAttempt"];

const OUTCOMES: Record<Attempt["outcome"], string> = {
  ACCEPTED: "it was taken",
  REJECTED_RECIPIENT: "the endpoint may not be called",
  REJECTED_PERMANENT: "the endpoint rejects it",
  THROTTLED: "the endpoint wants it later",
  NOT_SENT: "nothing was sent",
  UNKNOWN: "no answer came",
};
const CODES: Record<number, string> = { 408: "the endpoint waited too long for it", 409: "the endpoint has a conflict with it" };

/** What came of an attempt in words: the error's own, else what its code or outcome means; and when the next one follows. */
export function describeAttempt(attempt: Pick<Attempt, "outcome" | "code" | "reason" | "detail" | "next_attempt_at">, now?: number): string {
  const { outcome, code, reason, detail, next_attempt_at: next } = attempt;
  const answered = CODES[code] ?? (code >= 500 ? "an error of the endpoint" : "");
  const text = outcome === "ACCEPTED" ? "" : detail || answered || formatCode(reason) || OUTCOMES[outcome];
  return [text, next ? `again at ${formatMoment(next, now)}` : ""].filter(Boolean).join("; ");
}

/** Whether an endpoint was ever called. */
export const wasCalled = ({ last_success_at, last_failure_at }: Pick<Schemas["EndpointStatistics"], "last_success_at" | "last_failure_at">): boolean => !!(last_success_at ?? last_failure_at);

/** When an endpoint is called next. */
export function describeAwaited({ is_enabled, user_id, types }: Pick<Schemas["WebhookEndpoint"], "is_enabled" | "user_id" | "types">): string {
  if (!is_enabled) return "It is disabled: nothing is sent to it until it is enabled again.";
  const kinds = types.length ? ` of the ${types.length === 1 ? "type" : "types"} ${types.join(", ")}` : "";
  const what = user_id ? `the next notification${kinds} for ${user_id} that goes out as a webhook` : `the next status that it is told about, of deliveries${kinds}`;
  return `It is called with ${what}. A test webhook shows at once how it answers.`;
}
