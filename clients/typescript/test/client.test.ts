// The retries and pages without a gateway; the rest against the one of HEROLD_URL with HEROLD_API_KEY.

import assert from "node:assert/strict";
import test from "node:test";
import { createHerold, findDelay, iterate, ProblemError, unwrap } from "../src/index.js";

const URL = process.env["HEROLD_URL"] ?? "";
const KEY = process.env["HEROLD_API_KEY"] ?? "";
const submission = { user_id: "u-42", type: "account.otp", data: { code: "482193", minutes: 5 }, to: { email: "a@example.org" } };

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

test("a request with a key is made again, with the same body", async () => {
  const bodies: string[] = [];
  const answers = [answer(503, { code: "unavailable" }), answer(202, { id: "ntf_1", priority: "high", status: "accepted" })];
  const herold = createHerold("http://gateway.example", "key", {
    fetch: async (request) => {
      bodies.push(await request.text());
      return answers.shift()!;
    },
  });
  const accepted = unwrap(await herold.POST("/v1/notifications", { body: submission, headers: { "Idempotency-Key": "k" } }));
  assert.equal(accepted.id, "ntf_1");
  assert.equal(bodies.length, 2);
  assert.equal(bodies[0], bodies[1]);
});

test("only what does no harm is made again", () => {
  const get = new Request("http://g.example"), post = new Request("http://g.example", { method: "POST" });
  const withKey = new Request("http://g.example", { method: "POST", headers: { "idempotency-key": "k" } });
  assert.ok(findDelay(get, 503, 0, 1, 10)! > 0);
  assert.ok(findDelay(withKey, 0, 2, 1, 10)! > 2);
  assert.ok(findDelay(post, 429, 0, 1, 10)! > 0);
  assert.equal(findDelay(post, 503, 0, 1, 10), undefined);
  assert.equal(findDelay(get, 404, 0, 1, 10), undefined);
  assert.equal(findDelay(get, 503, 60, 1, 10), undefined);
  assert.ok(findDelay(withKey, 409, 1, 1, 10)! > 1);
  assert.equal(findDelay(withKey, 409, 0, 1, 10), undefined);
  assert.equal(findDelay(post, 409, 1, 1, 10), undefined);
});

test("all pages are iterated", async () => {
  const pages = new Map([[undefined, { items: [1, 2], next_cursor: "c" }], ["c", { items: [3], next_cursor: null }]]);
  const found: number[] = [];
  for await (const item of iterate<number>(async (cursor) => pages.get(cursor)!)) found.push(item);
  assert.deepEqual(found, [1, 2, 3]);
});

test("a gateway takes and answers what the types say", { skip: URL ? false : "HEROLD_URL is not set" }, async () => {
  const herold = createHerold(URL, KEY);
  const accepted = unwrap(await herold.POST("/v1/notifications", { body: submission, headers: { "Idempotency-Key": "ts-1" } }));
  const path = { notification_id: accepted.id };
  assert.equal(unwrap(await herold.GET("/v1/notifications/{notification_id}", { params: { path } })).id, accepted.id);
  for (const user_id of ["ts/1", "ts/2", "ts/3"])
    unwrap(await herold.PUT("/v1/users/{user_id}", { params: { path: { user_id } }, body: { tier: "gold" } }));
  const ids: string[] = [];
  const fetchPage = async (cursor: string | undefined) =>
    unwrap(await herold.GET("/v1/users", { params: { query: { search: "ts/", limit: 2, ...(cursor ? { cursor } : {}) } } }));
  for await (const user of iterate(fetchPage)) ids.push(user.id);
  assert.deepEqual(ids, ["ts/1", "ts/2", "ts/3"]);
});

test("a problem is thrown with its members", { skip: URL ? false : "HEROLD_URL is not set" }, async () => {
  const herold = createHerold(URL, KEY);
  const call = async () => unwrap(await herold.GET("/v1/rules/{rule_type}", { params: { path: { rule_type: "no.such.rule" } } }));
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 404);
    assert.equal(error.problem.code, "not-found");
    assert.ok(error.problem.request_id);
    return true;
  });
});
