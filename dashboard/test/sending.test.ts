import { describeFilter, EMPTY_FORM, toFilter, toForm } from "../src/audienceFilters";
import { describeRate, findProgress, isGoing, listActions, listCounts, type Broadcast } from "../src/broadcasts";
import { formatLocalTime, keepLocalTime, parseLocalTime } from "../src/localTime";
import { buildSchedule, toValues } from "../src/parts/ScheduleForm";

test("a filter is the same after the way through the form", () => {
  const filter = { tier: ["gold", ""], attributes: { plan: "free", seats: 3, beta: true, zip: "1010", is_old: "true", note: '"so"' }, created_after: 1_795_851_780, has_channel: ["email" as const], not: { locale: ["de"] } };
  const form = toForm(filter);
  expect(form.attributes).toEqual(["plan=free", "seats=3", "beta=true", 'zip="1010"', 'is_old="true"', 'note="\\"so\\""']);
  expect(toFilter(form, JSON.parse(form.rest) as object as Record<string, unknown>)).toEqual(filter);
});

test("what is empty is left out", () => expect(toFilter(EMPTY_FORM, {})).toEqual({}));

test("a filter in words", () => {
  expect(describeFilter({})).toBe("all users");
  expect(describeFilter({ tier: ["gold", ""], not: { locale: ["de"] } })).toBe('tier gold or none, not {"locale":["de"]}');
});

test("a time is the same after the way through the browser's field", () => {
  expect(parseLocalTime(formatLocalTime(1_795_851_780))).toBe(1_795_851_780);
  expect(formatLocalTime(null)).toBe("");
  expect(parseLocalTime("")).toBeUndefined();
});

test("a time that nobody touched keeps its seconds", () => {
  const stored = 1_795_851_797.25;
  expect(keepLocalTime(formatLocalTime(stored), stored)).toBe(stored);
  expect(keepLocalTime(formatLocalTime(stored + 60), stored)).toBe(1_795_851_840);
  expect(keepLocalTime("", stored)).toBeUndefined();
  const filter = { created_after: stored, created_before: "2026-11-28T07:43:17Z" };
  expect(toFilter(toForm(filter), {}, filter)).toEqual({ created_after: stored, created_before: Date.parse(filter.created_before) / 1000 });
});

const schedule = {
  name: "news", cron: "0 8 * * *", time_zone: "UTC", start_at: 1_795_851_797, end_at: null, missed: "once", priority: null, audience: "gold", user_ids: null, rate: null, version: 3,
  notification: { type: "news.weekly", category: "news", channels: ["sms"], template: "weekly", data: { a: 1 }, locale: "de", send_at: null, expires_at: 60, digest: "daily", mandatory: true },
} as unknown as Parameters<typeof buildSchedule>[1];

test("what a schedule has and the form does not show stays as it is", () => {
  const { notification, start_at } = buildSchedule(toValues(schedule), schedule);
  expect(notification).toEqual(schedule?.notification);
  expect(start_at).toBe(1_795_851_797);
});

test("a field of a schedule that was emptied is no longer stored", () => {
  const { notification } = buildSchedule({ ...toValues(schedule), template: "", channels: [], data: "" }, schedule);
  expect(notification).toEqual({ type: "news.weekly", data: {}, category: "news", locale: "de", send_at: null, expires_at: 60, digest: "daily", mandatory: true });
});

const counts = (waiting_count: number) => ({ counted_at: 1, decided_count: 1, waiting_count, notifications: {}, notification_reasons: {}, deliveries: {}, delivery_reasons: {} });
const broadcast = (values: object) => ({ state: "running", total_count: 10, expanded_count: 5, counts: null, cancellation: null, ...values }) as unknown as Broadcast;

test("one that has ended can be cancelled as long as something of it waits", () => {
  expect(listActions(broadcast({ state: "done", counts: counts(0) }))).toEqual([]);
  expect(listActions(broadcast({ state: "done", counts: counts(2) }))).toEqual(["cancel"]);
  expect(listActions(broadcast({ state: "paused" }))).toEqual(["resume", "cancel"]);
});

test("progress is known once the users are counted", () => {
  expect(findProgress(broadcast({}))).toBe(50);
  expect(findProgress(broadcast({ total_count: null }))).toBeUndefined();
  expect(findProgress(broadcast({ total_count: 0 }))).toBe(100);
});

test.each([[null, "as fast as it goes"], [1, "1 user per second"], [500, "500 users per second"]])("the rate %s in words", (rate, text) => expect(describeRate(rate)).toBe(text));

test("one that is being cancelled still changes", () => {
  expect(isGoing(broadcast({ state: "cancelled", cancellation: { is_done: false } }))).toBe(true);
  expect(isGoing(broadcast({ state: "cancelled", cancellation: { is_done: true } }))).toBe(false);
  expect(isGoing(broadcast({ state: "paused" }))).toBe(false);
});

test("the largest count is the first, with its reasons", () => {
  expect(listCounts({ routed: 3, rejected: 5, held: 0 }, { rejected: { opted_out: 2, "": 1, no_address: 3 } })).toEqual([
    { name: "rejected", count: 5, reasons: [["no_address", 3], ["opted_out", 2]] },
    { name: "routed", count: 3, reasons: [] },
  ]);
});
