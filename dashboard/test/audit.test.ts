import { expect, test } from "vitest";
import { describeEntry, listChanges, listFacts } from "../src/audit";

const entry = {
  id: "aud_1", actor: "ada", action: "change_members", object_type: "user", object_id: "u-1", occurred_at: 1,
  details: { source: "api", comment: "", fields: ["tier", "locale"], before: { tier: "gold", addresses: { email: ["a***@e***"] } }, after: { tier: "", locale: "de" } },
};

test("fields that were changed have what they were and what they are", () => {
  expect(listChanges(entry)).toEqual([
    { name: "tier", before: "gold", after: "" },
    { name: "addresses", before: '{ "email": [ "a***@e***" ] }', after: undefined },
    { name: "locale", before: undefined, after: "de" },
  ]);
});

test("what else an entry says is listed, and what is empty is not", () => {
  expect(listFacts(entry)).toEqual([["source", "api"], ["fields", "tier, locale"]]);
  expect(listFacts({ ...entry, details: { before: 17 } })).toEqual([["before", "17"]]);
  expect(describeEntry(entry)).toBe("change members user u-1");
});
