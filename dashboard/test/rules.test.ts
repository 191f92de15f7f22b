import { ProblemError } from "herold-client";
import { getProblem, listFieldProblems, listOtherProblems } from "../src/fieldErrors";
import { classifyChange, cleanRule, describeChannels, describeLimits, describeResult, formatWindow, isSameRule, type Rule } from "../src/rules";

const RULE: Rule = { type: "promo.sale", category: "marketing", channels: ["push", "email"] };

test("a rule without its defaults is the same rule", () => {
  const full: Rule = { ...RULE, strategy: "all", template: "", mandatory: false, priorities: [], expires_after: 0, digest: null, over_limit: "reject", escalate_unless: "delivered", priority: null };
  expect(cleanRule(full)).toEqual(RULE);
  expect(isSameRule(full, RULE)).toBe(true);
  expect(isSameRule({ ...full, strategy: "first" }, RULE)).toBe(false);
  expect(cleanRule({ ...RULE, channels: [] })).toEqual({ ...RULE, channels: [] });
});

test.each([[604_800, "7 d"], [3_600, "1 h"], [5_400, "90 min"], [90, "90 s"], [60, "1 min"]])("%d seconds are %s", (seconds, text) => expect(formatWindow(seconds)).toBe(text));

test("the limits of a category are those for it and those for all", () => {
  const limits = [{ channel: "email", category: "marketing", max_count: 3, window_seconds: 604_800 }, { channel: "", category: "", tier: "gold", max_count: 9, window_seconds: 60 }, { channel: "", category: "other", max_count: 1, window_seconds: 60 }];
  expect(describeLimits(limits as Parameters<typeof describeLimits>[0], "marketing")).toBe("3 in 7 d (email), 9 in 1 min for gold");
});

test("channels are said with their strategy", () => {
  expect([describeChannels(RULE), describeChannels({ ...RULE, strategy: "first" }), describeChannels({ ...RULE, strategy: "escalate" })]).toEqual(["push, email", "push or email", "push then email"]);
});

test("a change is called by what differs first", () => {
  const sent = { state: "routed", priority: "low", channels: ["email"], templates: ["a@1"] } as const, rejected = { state: "rejected", gate: "rule", reason: "condition" } as const;
  const classify = (before: object, after: object) => classifyChange(before as Parameters<typeof classifyChange>[0], after as Parameters<typeof classifyChange>[0]);
  expect(classify(sent, rejected)).toBe("routed → rejected");
  expect(classify({ ...rejected, reason: "expired" }, rejected)).toBe("other reason");
  expect(classify(sent, { ...sent, channels: ["sms"] })).toBe("other channels");
  expect(classify(sent, { ...sent, priority: "high" })).toBe("priority low → high");
  expect(classify(sent, { ...sent, templates: ["a@2"] })).toBe("other template");
  expect(describeResult(sent as unknown as Parameters<typeof describeResult>[0])).toBe("routed, low, email with a@1");
  expect(describeResult(rejected)).toBe("rejected by rule: condition");
});

test("problems stand at the fields of their pointers", () => {
  const errors = [["#/rule/condition", "no such name"], ["#/rule/priorities/0/when", "line 2"], ["#/rule/digest/cron", "no cron"], ["#/rule/strange", "unknown"]].map(([pointer, detail]) => ({ path: "", pointer: pointer!, detail: detail!, reason: "" }));
  const error = new ProblemError(422, { errors });
  const problems = listFieldProblems(error, "rule");
  expect(getProblem(problems, "condition")).toBe("no such name");
  expect(getProblem(problems, "priorities.0")).toBe("line 2");
  expect(getProblem(problems, "digest")).toBe("no cron");
  expect(listOtherProblems(problems, ["condition", "priorities", "digest"])).toEqual([{ field: "strange", text: "unknown" }]);
  expect(listFieldProblems(new ProblemError(412, { errors }))).toEqual([]);
  expect(listFieldProblems(new Error("offline"))).toEqual([]);
});
