import { createHmac } from "node:crypto";
import { describeFault, listFaultsOf } from "../src/faults";
import { checkSignature } from "../src/webhookSignature";

const SECRET = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
const BODY = '{"type":"order.shipped","data":{"name":"Ä"}}';
const sign = (text: string) => `v1,${createHmac("sha256", "0123456789abcdef0123456789abcdef").update(text).digest("base64")}`;
const build = (signature: string) => new Map([["webhook-id", "dlv_1"], ["webhook-timestamp", "1795851813"], ["webhook-signature", signature]]);

test.each([
  ["right", SECRET, `v1,AAAA ${sign(`dlv_1.1795851813.${BODY}`)}`], // during a rotation there are two
  ["wrong", SECRET, sign(`dlv_1.1795851814.${BODY}`)],
  ["wrong", SECRET, "v1,*"],
  ["not signed by HMAC", SECRET, "v1a,abc"],
  ["unreadable secret", "secret", sign("")],
])("a signature is %s", async (expected, secret, signature) => expect(await checkSignature(secret, build(signature), BODY)).toBe(expected));

const fault = (values: object) => ({ provider: "twilio", seconds: 60, key: "", ratio: 1, seed: 1, latency: "", ...values }) as Parameters<typeof describeFault>[0];

test.each([
  [{ status: 503 }, "all requests: status 503"],
  [{ status: 429, retry_after: "30", ratio: 0.33 }, "33 % of the requests: status 429, retry after 30"],
  [{ latency: "1s", connection: "reset", key: "AC1" }, "all requests to AC1: latency 1s, reset before it is processed"],
])("a fault in words", (values, text) => expect(describeFault(fault(values))).toBe(text));

test("a fault of all providers concerns each", () => {
  const faults = [{ fault: fault({ provider: "all" }) }, { fault: fault({}) }, { fault: fault({ provider: "fcm" }) }];
  expect(listFaultsOf(faults, "twilio")).toEqual(faults.slice(0, 2));
});
