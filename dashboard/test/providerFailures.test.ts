import { countErrors, describeShare, describeUse, findHost, groupFailures, listHosts } from "../src/providerFailures";

const delivery = (reason: string, updated_at: number) => ({ notification_id: `ntf_${updated_at}`, user_id: "u-1", reason, outcome: "UNKNOWN", updated_at });

test("the most frequent reason is the first, with its last delivery", () => {
  const groups = groupFailures([delivery("expired", 1), delivery("provider_error", 3), delivery("provider_error", 2)]);
  expect(groups.map(({ reason, count, last }) => [reason, count, last.updated_at])).toEqual([["provider_error", 2, 3], ["expired", 1, 1]]);
});

test("the share is among the accounts of the channel that are not for tests", () => {
  const account = (weight: number, more: object = {}) => ({ channel: "email" as const, weight, is_test: false, ...more });
  const all = [account(80), account(20), account(1, { channel: "sms" }), account(1, { is_test: true })];
  expect(all.map((each) => describeShare(each, all))).toEqual(["80 %", "20 %", "100 %", ""]);
});

test("hosts are those with an open breaker, and those that are paused, each once", () => {
  const breaker = { cause: "failures", open_until: 17, worker: "webhook-1" };
  const pause = (account: string) => ({ account, reason: "it moves", paused_by: "ada", paused_at: 5 });
  const items = [{ name: "sendgrid", channel: "email" as const, weight: 1, is_test: false, calls_per_second: null, breaker: null }];
  const found = listHosts({ items, stopped_hosts: [{ host: "https://b:443", breaker }, { host: "https://c:443", breaker }], pauses: [pause("sendgrid"), pause("https://b:443"), pause("https://a:443")] });
  expect(found.map((one) => [one.host, one.breaker?.cause, one.pause?.reason])).toEqual([["https://a:443", undefined, "it moves"], ["https://b:443", "failures", "it moves"], ["https://c:443", "failures", undefined]]);
});

test("the errors of an account are added up", () => {
  const error = { code: 503, outcome: "UNKNOWN", reason: "unavailable", cause: "", link: "", last_at: 1 };
  expect([countErrors({}), countErrors({ errors: [{ ...error, count: 3 }, { ...error, count: 4 }] })]).toEqual([0, 7]);
});

test("the host of an endpoint is named as workers name it", () => {
  expect(["https://Shop.example.org/hooks?a=b", "http://127.0.0.1:4713/hooks", "https://[2001:db8::1]/"].map(findHost)).toEqual([
    "https://shop.example.org:443", "http://127.0.0.1:4713", "https://[2001:db8::1]:443",
  ]);
  expect(findHost("shop.example.org")).toBeUndefined();
});

test("the use of a limit is a share, and not known is no number", () => {
  const limit = { calls_per_second: 100, call_burst: 20 };
  expect(describeUse({ calls_per_second: null, call_burst: null, calls_used: null })).toBeUndefined();
  expect(describeUse({ calls_per_second: 100, call_burst: null, calls_used: null })).toBeUndefined(); // of webhooks: each host has it
  expect(describeUse({ ...limit, calls_used: null })?.share).toBe("not known");
  expect(describeUse({ ...limit, calls_used: 0 })?.share).toBe("0 %");
  expect(describeUse({ ...limit, calls_used: 7 })).toMatchObject({ share: "35 %", text: expect.stringContaining("7 of 20 calls are used") });
  expect(describeUse({ ...limit, calls_used: 20 })?.text).toContain("Further ones wait");
});
