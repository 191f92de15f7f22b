import type { Schemas } from "herold-client";
import { buildCurl, listSiblings } from "../src/siblings";

const gate = (name: string, verdict: string, inputs: object = {}) => ({ gate: name, verdict, inputs }) as Schemas["GateResponse"];

test("a duplicate names the first one, and what was merged its digest", () => {
  expect(listSiblings({ duplicate_of: "ntf_1", gates: [gate("idempotency", "reject")] })).toEqual([{ id: "ntf_1", relation: "the first with its key" }]);
  expect(listSiblings({ duplicate_of: "ntf_2", gates: [gate("digest", "merge")] })[0]!.relation).toBe("the digest that it is in");
});

test("a digest names what is in it, each once, and what it left out", () => {
  const gates = [gate("digest", "pass", { events: ["ntf_1", "ntf_2"], expired: ["ntf_3", 7] }), gate("digest", "pass", { events: ["ntf_1"] })];
  expect(listSiblings({ duplicate_of: "", gates }).map(({ id }) => id)).toEqual(["ntf_1", "ntf_2", "ntf_3"]);
});

test("most have none", () => {
  expect(listSiblings({ duplicate_of: "", gates: [gate("rule", "pass", { events: "none" })] })).toEqual([]);
});

test("a command is one word of a shell, whatever the id of the user is", () => {
  expect(buildCurl("http://127.0.0.1:8080", "ntf_1", undefined)).toBe(`curl -s -H "Authorization: Bearer $KEY" 'http://127.0.0.1:8080/v1/notifications/ntf_1/explain'`);
  expect(buildCurl("http://h", "ntf_1", "o'hara & co")).toContain("?user_id=o%27hara%20%26%20co'");
});
