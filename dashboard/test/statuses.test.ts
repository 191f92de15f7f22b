import { expect, test } from "vitest";
import { judgeOutcome } from "../src/statuses";

test.each([
  ["routed", ["DELIVERED", "SENT"], "good"],
  ["routed", ["PENDING"], "waiting"],
  ["routed", ["FAILED", "BOUNCED"], "bad"],
  ["routed", ["SENT", "FAILED"], "waiting"],
  ["routed", ["UNSUBSCRIBED"], "neutral"],
  ["routed", [], "good"],
  ["held", [], "waiting"],
  ["dead", ["SENT"], "bad"],
  ["rejected", [], "neutral"],
])("%s with %j is %s", (state, statuses, tone) => expect(judgeOutcome(state, statuses)).toBe(tone));
