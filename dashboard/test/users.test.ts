import { expect, test } from "vitest";
import { buildChange, buildDraft, describeAddresses, groupByDay, listConflicts, rebaseDraft } from "../src/users";

test("one address of each channel is shown, and how many there are else", () => {
  expect(describeAddresses({ email: ["a***@e***", "b***@e***", "c***@e***"], sms: ["***67"], webhook: [] })).toBe("a***@e*** +2, ***67");
  expect(describeAddresses({})).toBe("");
  expect(describeAddresses(undefined)).toBe("");
});

const user = {
  id: "u-1", addresses: { email: ["a@example.org", "b@example.org"] }, locale: "de", time_zone: "UTC", tier: "", attributes: { plan: "pro" },
  quiet_hours: null, version: 3, created_at: 1, updated_at: 2,
};

test("only what was changed is sent, and addresses as a whole", () => {
  const start = buildDraft(user);
  expect(buildChange(start, start)).toEqual({});
  expect(buildChange(start, { ...start, tier: " gold ", attributes: "" })).toEqual({ tier: "gold", attributes: {} });
  expect(buildChange(start, { ...start, sms: "+431\n\n +432" })).toEqual({ addresses: { email: ["a@example.org", "b@example.org"], sms: ["+431", "+432"] } });
  expect(() => buildChange(start, { ...start, attributes: "[1]" })).toThrow(SyntaxError);
  expect(() => buildChange(start, { ...start, attributes: "{" })).toThrow(SyntaxError);
});

test("a conflict is a field that both have changed, and what only others have changed stays", () => {
  const start = buildDraft(user), mine = { ...start, tier: "gold" }, theirs = { ...start, tier: "silver", locale: "en" };
  expect(listConflicts(start, mine, theirs)).toEqual([{ label: "Tier", mine: "gold", theirs: "silver" }]);
  expect(rebaseDraft(start, mine, theirs)).toEqual({ ...theirs, tier: "gold" });
});

test("messages are counted by day, the latest first", () => {
  const counts = [
    { day: "2026-11-27", channel: "email" as const, sent: 2 }, { day: "2026-11-28", channel: "sms" as const, sent: 1 }, { day: "2026-11-27", channel: "sms" as const, sent: 3 },
  ];
  expect(groupByDay(counts)).toEqual([
    { day: "2026-11-28", total: 1, byChannel: { sms: 1 } },
    { day: "2026-11-27", total: 5, byChannel: { email: 2, sms: 3 } },
  ]);
});
