import { describe, expect, test } from "vitest";
import { describeAttempt, describeAwaited, wasCalled } from "../src/endpointAttempts";
import { formatMoment } from "../src/format";

const NOW = 1_795_851_813;
const FAILED = { outcome: "UNKNOWN", code: 503, reason: "", detail: "", next_attempt_at: null } as const;

describe("an attempt in words", () => {
  test.each([
    ["what was taken needs none", { outcome: "ACCEPTED", code: 204 }, ""],
    ["the error's own words come first", { detail: "the endpoint forbids it", code: 403, reason: "rejected_permanent" }, "the endpoint forbids it"],
    ["a code that says something", {}, "an error of the endpoint"],
    ["409 is no rejection", { code: 409 }, "the endpoint has a conflict with it"],
    ["a reason as words", { code: 0, reason: "endpoint_gone" }, "endpoint gone"],
    ["the outcome, if nothing else says it", { code: 0 }, "no answer came"],
    ["nothing was sent", { code: 0, outcome: "NOT_SENT" }, "nothing was sent"],
  ] as const)("%s", (_, changes, text) => {
    expect(describeAttempt({ ...FAILED, ...changes }, NOW)).toBe(text);
  });

  test("with the time of the next one", () => {
    expect(describeAttempt({ ...FAILED, next_attempt_at: NOW + 5 }, NOW)).toBe(`an error of the endpoint; again at ${formatMoment(NOW + 5, NOW)}`);
  });
});

test("an endpoint was called once there was a success or a failure", () => {
  expect(wasCalled({ last_success_at: null, last_failure_at: null })).toBe(false);
  expect(wasCalled({ last_success_at: null, last_failure_at: NOW })).toBe(true);
  expect(wasCalled({ last_success_at: NOW, last_failure_at: null })).toBe(true);
});

describe("what an endpoint without a call waits for", () => {
  const endpoint = { is_enabled: true, user_id: "u-42", types: [] as string[] };

  test("a notification of its user, of its types", () => {
    expect(describeAwaited(endpoint)).toContain("the next notification for u-42 that goes out as a webhook");
    expect(describeAwaited({ ...endpoint, types: ["order.*"] })).toContain("the next notification of the type order.* for u-42");
    expect(describeAwaited({ ...endpoint, types: ["a", "b"] })).toContain("of the types a, b");
  });

  test("a status, if it belongs to nobody", () => {
    expect(describeAwaited({ ...endpoint, user_id: null, types: ["order.*"] })).toContain("the next status that it is told about, of deliveries of the type order.*");
  });

  test("nothing while it is disabled", () => {
    expect(describeAwaited({ ...endpoint, is_enabled: false })).toBe("It is disabled: nothing is sent to it until it is enabled again.");
  });
});
