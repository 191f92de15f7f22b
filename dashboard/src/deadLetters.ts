// Dead letters in words: where one is, what a redrive of it would do, and what it has done.

import type { Schemas } from "herold-client";
import { formatCode } from "./format";

export type DeadLetter = Schemas["StoredDeadLetter"];
export type Result = string;

const AGAIN: Record<DeadLetter["stage"], string> = {
  router: "It goes through all gates again, as it was submitted: rules, preferences and limits of now decide.",
  delivery: "The same message is sent to the same address again, within a second. The gates are not asked, but an opt-out since is.",
  scheduler: "Its record goes back to the scheduler, which releases it when it is due.",
  recorder: "Its record is written to the history again. Nothing is sent.",
};
const RESULTS: Record<Result, string> = {
  expired: "it has expired",
  opted_out: "the user has opted out since",
  not_opted_in: "the user has not opted in",
  suppressed: "its address is suppressed",
  delivered: "it has arrived since",
  delivered_elsewhere: "the notification has arrived on another channel since",
  already_redriven: "it was redriven already",
  discarded: "it was discarded",
  maybe_sent: "it may have been sent: a provider did not answer, and it goes out once at most",
  unreadable: "its record cannot be read: only another value can be sent",
  digest: "it is a digest, whose window is gone",
  unknown_source: "the topic that it comes from is not one of this installation",
  too_large: "its record is larger than its topic allows",
  missing: "it is not there any more",
};

/** The result of a preview of one dead letter; empty if it is not open any more. */
export const getResult = (preview: Schemas["RedrivePreview"]): Result => Object.keys(preview.results)[0] ?? "";

/** What a redrive would do, in a sentence. */
export function describeResult(result: Result, stage: DeadLetter["stage"]): string {
  if (!result) return "It is not open any more.";
  return result === "redriven" ? AGAIN[stage] : `It would not be sent: ${RESULTS[result] ?? formatCode(result)}.`;
}

/** Which choice would let it be sent after all. */
export const findRemedy = (result: Result): "extension" | "delivered" | undefined =>
  result === "expired" ? "extension" : result === "delivered" || result === "delivered_elsewhere" ? "delivered" : undefined;

/** What a redrive of one has done. */
export function describeOutcome(redrive: Pick<Schemas["Redrive"], "state" | "redriven_count" | "skipped_counts" | "error">): string {
  const skipped = Object.keys(redrive.skipped_counts)[0];
  if (redrive.redriven_count) return "It is on its way again";
  if (skipped) return `It was not sent: ${RESULTS[skipped] ?? formatCode(skipped)}`;
  if (redrive.state === "failed") return `The redrive failed: ${redrive.error}`;
  return redrive.state === "cancelled" ? "The redrive was cancelled" : "The redrive has begun";
}

/** Where a record is in Kafka, as tools for Kafka name it. */
export const writePlace = (topic: string, partition: number, offset: number): string => `${topic}/${partition}@${offset}`;

/** What the value of a dead letter is edited from: its JSON, or its text if it is none. */
export function readValue({ value, value_base64 }: Pick<Schemas["DeadLetterDetails"], "value" | "value_base64">): string {
  if (value !== null && value !== undefined) return JSON.stringify(value, null, 2);
  return value_base64 ? new TextDecoder().decode(Uint8Array.from(atob(value_base64), (character) => character.charCodeAt(0))) : "";
}
