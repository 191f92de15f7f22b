// The story of a notification, in the order of its times: what happened, and how long nothing did.

import type { Schemas } from "herold-client";
import { formatCode, formatDuration } from "./format";

type Explanation = Schemas["ExplanationResponse"];
type Delivery = Schemas["DeliveryResponse"];
type Attempt = NonNullable<Delivery["attempts"]>[number];

export interface Step {
  at: number;
  status: string;
  title: string;
  detail: string;
  /** Seconds in which nothing happened before this step. */
  wait: number;
}

/** What comes next: when, and what. */
export interface Upcoming {
  at: number;
  title: string;
}

const SHOWN_WAIT = 1; // seconds; a shorter pause is no wait

/** All steps, oldest first. The gates are in the step of the decision, which they are the reason for. */
export function buildTimeline(explanation: Explanation): Step[] {
  const steps = [
    { at: explanation.created_at, status: "accepted", title: "Submitted", detail: `priority ${explanation.priority || "unknown"}`, wait: 0 },
    { at: explanation.decided_at, status: explanation.state, title: "Decided", detail: describeGates(explanation), wait: 0 },
    ...explanation.deliveries.flatMap(listDeliverySteps),
  ].filter((step) => step.at > 0);
  steps.sort((a, b) => a.at - b.at);
  return steps.map((step, number) => ({ ...step, wait: findWait(steps[number - 1]?.at, step.at) }));
}

/** What it waits for, the next one first: another attempt, another decision, its next channel. */
export function listUpcoming({ held_until, escalates_at, deliveries }: Pick<Explanation, "held_until" | "escalates_at" | "deliveries">): Upcoming[] {
  const attempts = deliveries.flatMap(({ channel, status, attempts = [] }) => {
    const at = status === "PENDING" ? attempts.at(-1)?.next_attempt_at : undefined;
    return at ? [{ at, title: `Next attempt (${channel})` }] : [];
  });
  const decisions = [{ at: held_until, title: "Decided again" }, { at: escalates_at, title: "Next channel, unless it has arrived" }];
  return [...attempts, ...decisions.flatMap(({ at, title }) => (at ? [{ at, title }] : []))].sort((a, b) => a.at - b.at);
}

/** How far off it is, in whole seconds up to a minute, such as "in 34 s". */
export function describeDistance(at: number, now: number): string {
  const seconds = Math.ceil(at - now);
  if (seconds <= 0) return "due now";
  return `in ${seconds < 60 ? `${seconds} s` : formatDuration(seconds)}`;
}

function findWait(before: number | undefined, at: number): number {
  const wait = before === undefined ? 0 : at - before;
  return wait >= SHOWN_WAIT ? wait : 0;
}

function describeGates({ gates, summary }: Explanation): string {
  const passed = gates.filter((gate) => gate.verdict === "pass").length;
  return passed === gates.length && passed ? `${passed} gates passed` : summary;
}

function listDeliverySteps(delivery: Delivery): Step[] {
  const { channel } = delivery;
  const steps = (delivery.attempts ?? []).map((attempt) => buildAttemptStep(channel, attempt));
  const add = (at: number | null | undefined, status: string, title: string) => {
    if (at) steps.push({ at, status, title: `${title} (${channel})`, detail: "", wait: 0 });
  };
  if (!steps.some((step) => step.status === "DELIVERED")) add(delivery.delivered_at, "DELIVERED", "Delivered");
  add(delivery.opened_at, "opened", "Opened");
  add(delivery.clicked_at, "clicked", "Clicked");
  return steps;
}

function buildAttemptStep(channel: string, attempt: Attempt): Step {
  const parts = [
    attempt.provider,
    attempt.reason && formatCode(attempt.reason),
    attempt.provider_code ? `code ${attempt.provider_code}` : "",
    attempt.duration_ms ? formatDuration(attempt.duration_ms / 1000) : "",
    attempt.possible_duplicate ? "may be a duplicate" : "",
    attempt.detail,
  ];
  const title = attempt.outcome ? `Attempt ${(attempt.attempt ?? 0) + 1}` : "Report"; // what a provider reports later has no outcome
  return { at: attempt.occurred_at, status: attempt.status, title: `${title} (${channel})`, detail: parts.filter(Boolean).join(" · "), wait: 0 };
}
