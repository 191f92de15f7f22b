import { expect, test } from "vitest";
import { findId, matchNames, readIdTime } from "../src/shell/matches";

const NAMES = [
  { label: "Dead letters", description: "what could not be processed, by cause" },
  { label: "Send", description: "to a user" },
  { label: "Audiences", description: "lists of users who are sent to" },
  { label: "order.sent", description: "" },
];
const HEX = "01a22219ba66772e93e30ce1e12e8d3d";
const ALL = ["notifications:read", "dead-letters:read", "broadcasts:read", "webhook-endpoints:read", "accounts:read", "audit:read"];

test("the beginning of a name comes before that of a word, and a name before what is said about it", () => {
  expect(matchNames(NAMES, "SEN").map(({ label }) => label)).toEqual(["Send", "order.sent", "Audiences"]);
  expect(matchNames(NAMES, "letters").map(({ label }) => label)).toEqual(["Dead letters"]);
  expect(matchNames(NAMES, "").length).toBe(NAMES.length);
  expect(matchNames(NAMES, "xyz")).toEqual([]);
});

test.each([
  ["ntf", "notification", `/notifications/ntf_${HEX}`],
  ["dlt", "dead letter", `/dead-letters?tab=letters&letter=dlt_${HEX}`],
  ["brd", "broadcast", `/broadcasts/brd_${HEX}`],
  ["whe", "webhook endpoint", `/webhook-endpoints/whe_${HEX}`],
  ["acc", "account", `/accounts/acc_${HEX}`],
  ["aud", "audit entry", `/audit?entry=aud_${HEX}`],
  ["dlv", "delivery", undefined],
])("an id that begins with %s is that of one %s", (prefix, what, url) => {
  expect(findId(` ${prefix.toUpperCase()}_${HEX} `, ALL)).toEqual({ what, id: `${prefix}_${HEX}`, url });
});

test("what is no whole id, or of what the person may not read, leads nowhere", () => {
  expect(findId(`ntf_${HEX.slice(1)}`, ALL)).toBeUndefined();
  expect(findId(`xyz_${HEX}`, ALL)).toBeUndefined();
  expect(findId(`dlt_${HEX}`, ["notifications:read"])).toBeUndefined();
});

test("the time in an id is within the range that is asked for", () => {
  const { since, until } = readIdTime(`dlv_${HEX}`), at = Number.parseInt(HEX.slice(0, 12), 16) / 1000;
  expect([since < at, until > at, until - since < 0.004]).toEqual([true, true, true]);
});
