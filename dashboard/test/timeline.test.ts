import type { Schemas } from "herold-client";
import { buildTimeline, describeDistance, listUpcoming } from "../src/timeline";

const EXPLANATION = {
  id: "ntf_1", state: "routed", summary: "Sent by e-mail", priority: "high", created_at: 100, decided_at: 100.02,
  gates: [{ gate: "consent", verdict: "pass" }, { gate: "channels", verdict: "pass" }],
  deliveries: [],
} as unknown as Schemas["ExplanationResponse"];

const attempt = (number: number, at: number, status: string, more: object = {}) => ({ attempt: number - 1, occurred_at: at, status, outcome: number ? "ACCEPTED" : undefined, ...more });
const withDelivery = (delivery: object) => ({ ...EXPLANATION, deliveries: [{ id: "dlv_1", channel: "email", status: "SENT", ...delivery }] }) as typeof EXPLANATION;

test("a decision without deliveries has two steps", () => {
  const steps = buildTimeline(EXPLANATION);
  expect(steps.map((step) => step.title)).toEqual(["Submitted", "Decided"]);
  expect(steps[1]!.detail).toBe("2 gates passed");
});

test("a rejected one says why instead of how many gates it passed", () => {
  const rejected = { ...EXPLANATION, state: "rejected", summary: "The user has opted out", gates: [{ gate: "consent", verdict: "reject" }] } as unknown as typeof EXPLANATION;
  expect(buildTimeline(rejected)[1]).toMatchObject({ status: "rejected", detail: "The user has opted out" });
});

test("attempts are in the order of their times, and long pauses are named", () => {
  const steps = buildTimeline(withDelivery({ attempts: [attempt(2, 160.5, "SENT"), attempt(1, 100.5, "PENDING", { reason: "not_sent", duration_ms: 40 })] }));
  expect(steps.map((step) => step.title)).toEqual(["Submitted", "Decided", "Attempt 1 (email)", "Attempt 2 (email)"]);
  expect(steps.map((step) => step.wait)).toEqual([0, 0, 0, 60]);
  expect(steps[2]!.detail).toBe("not sent · 40 ms");
});

test("a receipt is shown once, and what the recipient did after it", () => {
  const delivered = { delivered_at: 101, opened_at: 200, clicked_at: null };
  expect(buildTimeline(withDelivery({ ...delivered, attempts: [attempt(1, 100.5, "SENT"), attempt(0, 101, "DELIVERED")] })).map((step) => step.title))
    .toEqual(["Submitted", "Decided", "Attempt 1 (email)", "Report (email)", "Opened (email)"]);
  expect(buildTimeline(withDelivery(delivered)).map((step) => step.title)).toEqual(["Submitted", "Decided", "Delivered (email)", "Opened (email)"]);
});

test("a possible duplicate is said", () => {
  expect(buildTimeline(withDelivery({ attempts: [attempt(1, 101, "SENT", { possible_duplicate: true })] }))[2]!.detail).toContain("may be a duplicate");
});

test("what comes next is the next attempt of what waits, the next decision and the next channel", () => {
  const waiting = { id: "dlv_1", channel: "email", status: "PENDING", attempts: [attempt(1, 101, "PENDING", { next_attempt_at: 140 }), attempt(2, 141, "PENDING", { next_attempt_at: 260 })] };
  const sent = { id: "dlv_2", channel: "sms", status: "SENT", attempts: [attempt(1, 101, "PENDING", { next_attempt_at: 140 })] };
  const deliveries = [waiting, sent] as unknown as typeof EXPLANATION.deliveries;
  expect(listUpcoming({ held_until: null, escalates_at: 200, deliveries })).toEqual([{ at: 200, title: "Next channel, unless it has arrived" }, { at: 260, title: "Next attempt (email)" }]);
  expect(listUpcoming({ held_until: 300, escalates_at: null, deliveries: [] })).toEqual([{ at: 300, title: "Decided again" }]);
  expect([[134, 100.5], [100, 100], [90, 100], [400, 100]].map(([at, now]) => describeDistance(at!, now!))).toEqual(["in 34 s", "due now", "due now", "in 5 min 0 s"]);
});
