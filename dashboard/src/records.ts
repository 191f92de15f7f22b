// What Kafka still has of a notification, in words, and what a message says under masks.

import type { Schemas } from "herold-client";
import { listParts } from "./content";

export type NotificationRecord = Schemas["NotificationRecord"];
type Explanation = Schemas["ExplanationResponse"];
type Delivery = Explanation["deliveries"][number];

const DELIVERIES_KEPT = 3 * 86_400; // seconds
const KINDS: Record<NotificationRecord["kind"], string> = {
  notification: "Submitted", decided: "Decided", delivery: "Delivery", status: "Status", receipt: "Report of the provider", engagement: "Opened or clicked",
  scheduled: "Held by the scheduler", cancel: "Cancelled", reschedule: "Moved", dead_letter: "Dead letter",
};

/** What a record is, with the channel and the attempt that it is about. */
export function describeRecord(record: NotificationRecord, deliveries: readonly Pick<Delivery, "id" | "channel">[]): string {
  const channel = deliveries.find((one) => one.id === record.delivery_id)?.channel;
  const attempt = record.attempt ? `attempt ${record.attempt + 1}` : "";
  const redrive = record.redrive_count ? `redrive ${record.redrive_count}` : "";
  const details = [channel, attempt, redrive].filter(Boolean).join(", ");
  return details ? `${KINDS[record.kind]} (${details})` : KINDS[record.kind];
}

/** Why there is no message of a delivery. */
export function explainMissing(createdAt: number, now: number, isComplete: boolean): string {
  if (now - createdAt > DELIVERIES_KEPT) return "Its text is gone: Kafka keeps deliveries for three days, and the history has no texts.";
  return isComplete ? "Kafka has no record of it: it is not produced yet, or was removed." : "The search in Kafka was ended by its limit before it was found.";
}

/** Why nothing was rendered. */
export function explainNothing(state: string): string {
  if (state === "held") return "It is rendered when it is released, by the template of that time.";
  return state === "accepted" ? "It is not decided yet." : "Nothing was rendered, because it was not sent.";
}

/** The parts of a message by what is known of them under masks, such as `["Text", "20 characters"]`. */
export const listMasked = (content: Record<string, unknown>): [label: string, shape: string][] =>
  listParts(content).map(({ label, value }) => [label, value.replaceAll(/"?<(number|\d+ characters)>"?/g, "$1")]);

/** The HTML of a message whose links lead nowhere: the one to unsubscribe is real. */
export function disarmLinks(html: string): string {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll("base, meta[http-equiv]").forEach((element) => element.remove());
  for (const link of page.querySelectorAll("a, area")) {
    for (const name of ["href", "xlink:href", "ping", "target"]) if (link.hasAttribute(name)) link.setAttribute(name, name.endsWith("href") ? "#" : "");
  }
  return `<!doctype html>${page.documentElement.outerHTML}`;
}
