// The faults that simulators play: usual ones by name, and what a fault does in words.

import type { Schemas } from "herold-client";
import { formatDuration } from "./format";

export type Fault = Schemas["SimulatorFault"];
export type Provider = Schemas["SimulatedRequest"]["provider"];

export const PROVIDERS: readonly { name: Provider; label: string; channel: string }[] = [
  { name: "sendgrid", label: "SendGrid", channel: "e-mail" },
  { name: "twilio", label: "Twilio", channel: "SMS" },
  { name: "fcm", label: "FCM", channel: "push" },
  { name: "webhook", label: "Webhooks", channel: "" },
];

/** What can happen to a provider, as one click. */
export const PRESETS: readonly { label: string; meaning: string; fault: Partial<Fault> }[] = [
  { label: "Outage", meaning: "Each request is answered with 503.", fault: { status: 503 } },
  { label: "Rate limit", meaning: "Each request is answered with 429, and 30 s to wait.", fault: { status: 429, retry_after: "30" } },
  { label: "Slow", meaning: "Each answer takes a second in the middle, some take many.", fault: { latency: "lognormal:1s:1.2" } },
  { label: "No answer", meaning: "Requests are not answered, so that they time out.", fault: { connection: "hang" } },
  { label: "Cut connections", meaning: "Half of the connections are reset.", fault: { connection: "reset", ratio: 0.5 } },
  { label: "Bad day", meaning: "A third of the requests fail, late.", fault: { status: 500, latency: "exponential:800ms", ratio: 0.33 } },
];

export const CONNECTIONS: Record<NonNullable<Fault["connection"]>, string> = {
  drop: "accepted, then closed without an answer",
  truncate: "half of the answer, then closed",
  reset: "reset before it is processed",
  hang: "no answer, the connection stays open",
  trickle: "one byte of the answer per second",
  endless: "an answer without an end",
  bomb: "an answer that decompresses to 64 MiB",
  interim: "after several 1xx answers",
};

/** What a fault does, such as "30 % of the requests: status 503, after 1s". */
export function describeFault(fault: Fault): string {
  const what = [
    fault.status ? `status ${fault.status}` : "",
    fault.retry_after ? `retry after ${fault.retry_after}` : "",
    fault.latency ? `latency ${fault.latency}` : "",
    fault.connection ? CONNECTIONS[fault.connection] : "",
  ].filter(Boolean).join(", ");
  const part = (fault.ratio ?? 1) < 1 ? `${Math.round((fault.ratio ?? 1) * 100)} % of the requests` : "all requests";
  return `${part}${fault.key ? ` to ${fault.key}` : ""}: ${what}`;
}

/** Which faults concern a provider. */
export const listFaultsOf = <F extends { fault: Fault }>(faults: readonly F[], provider: Provider): F[] =>
  faults.filter(({ fault }) => fault.provider === provider || fault.provider === "all");

export const describeEnd = (seconds: number) => `ends in ${formatDuration(Math.max(1, seconds))}`;
