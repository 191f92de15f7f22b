import { describeOutcome, describeResult, findRemedy, getResult, readValue, writePlace } from "../src/deadLetters";

const preview = (results: Record<string, number>) => ({ count: 1, examined_count: 1, results });
const run = (values: object) => ({ state: "done" as const, redriven_count: 0, skipped_counts: {}, error: "", ...values });

test("what a redrive would do depends on the stage, and on what happened since", () => {
  expect(getResult(preview({ expired: 1 }))).toBe("expired");
  expect(describeResult(getResult(preview({})), "router")).toBe("It is not open any more.");
  expect(describeResult("redriven", "router")).toContain("all gates");
  expect(describeResult("redriven", "delivery")).toContain("same address");
  expect(describeResult("opted_out", "delivery")).toBe("It would not be sent: the user has opted out since.");
  expect(describeResult("of_a_later_release", "delivery")).toContain("of a later release");
});

test("only what a choice lets through has a remedy", () => {
  expect(["expired", "delivered", "delivered_elsewhere", "opted_out", "redriven"].map(findRemedy)).toEqual(["extension", "delivered", "delivered", undefined, undefined]);
});

test("what a redrive has done is said, also what it has not", () => {
  expect(describeOutcome(run({ redriven_count: 1 }))).toBe("It is on its way again");
  expect(describeOutcome(run({ skipped_counts: { suppressed: 1 } }))).toBe("It was not sent: its address is suppressed");
  expect(describeOutcome(run({ state: "failed", error: "no topic" }))).toContain("no topic");
  expect(describeOutcome(run({ state: "running" }))).toBe("The redrive has begun");
});

test("the value is edited as JSON, or as the text that it is", () => {
  expect(readValue({ value: { type: "a" }, value_base64: "e30=" })).toBe('{\n  "type": "a"\n}');
  expect(readValue({ value: null, value_base64: btoa("{\xc3\xa4") })).toBe("{ä");
  expect(readValue({ value: null, value_base64: null })).toBe("");
  expect(writePlace("notifications.dlq", 3, 17)).toBe("notifications.dlq/3@17");
});
