import {
  buildLatencyLines, buildLines, buildListFilter, choosePeriod, describeChart, describeKey, findLateStart, formatAmount, formatChange, getPrevious, judgeBurn,
  judgeWait, listFilters, listGroups, listSteps, selectSteps,
} from "../src/analytics";
import { readAnalyticsSearch, readSlaSearch } from "../src/searches";

const STEPS = [0, 60, 120];

test("a range ends with the minute that has begun, and a time of the URL is as it is", () => {
  expect(choosePeriod({ range: "1h" }, 7_201)).toEqual({ from: 3_660, to: 7_260 });
  expect(choosePeriod({}, 100_000)).toEqual({ from: 13_620, to: 100_020 });
  expect(choosePeriod({ from: "100", to: "200", range: "1h" }, 7_200)).toEqual({ from: 100, to: 200 });
  expect(choosePeriod({ from: "200", to: "100", range: "1h" }, 7_200)).toEqual({ from: 3_600, to: 7_200 });
});

test("the time before is as long, and ends where this one begins", () => expect(getPrevious({ from: 100, to: 160 })).toEqual({ from: 40, to: 100 }));

test("chosen steps are whole, the last one too", () => {
  expect(selectSteps(STEPS, 1, 2)).toEqual({ from: 60, to: 180 });
  expect(selectSteps(STEPS, 1, 1)).toEqual({ from: 60, to: 120 });
  expect(selectSteps([600], 0, 0)).toEqual({ from: 600, to: 660 });
});

test("every step has a number; what the answer leaves out is 0", () => {
  expect(listSteps({ from: 0, to: 180, step: 60 })).toEqual(STEPS);
  expect(buildLines([{ key: "email", points: [[60, 5]] }], STEPS, "channel")).toEqual([{ key: "email", label: "email", values: [0, 5, 0], isDashed: false }]);
});

test("an earlier time lies over this one, dashed", () => {
  expect(buildLines([{ key: "", points: [[-120, 7]] }], STEPS, "none", 180)).toEqual([{ key: "", label: "all", values: [0, 7, 0], isDashed: true }]);
});

test("a step without a hand-over has no percentile", () => {
  const point = { at: 60, count: 2, p50: 0.1, p95: 0.2, p99: 0.3, within_target: 2 };
  expect(buildLatencyLines([{ key: "high", points: [point] }], STEPS, "p99")[0]?.values).toEqual([null, 0.3, null]);
});

test("series have names", () => {
  expect(describeKey("*", "type")).toBe("all others");
  expect(describeKey("", "template")).toBe("without template");
  expect(describeKey("opted_out", "reason")).toBe("opted out");
  expect(describeKey("order_shipped", "type")).toBe("order_shipped");
});

test("a chart is described for who cannot see it", () => {
  const lines = buildLines([{ key: "email", points: [[0, 1_200]] }, { key: "sms", points: [[60, 3]] }], STEPS, "channel");
  expect(describeChart("sent by channel", lines, String, true)).toBe("sent by channel: email 1200, sms 3");
  expect(describeChart("p99", lines, String, false)).toBe("p99: email at most 1200, sms at most 3");
  expect(describeChart("sent", [], String, true)).toBe("sent: nothing in this time");
  const many = Array.from({ length: 7 }, (_, number) => ({ key: `${number}`, label: `${number}`, values: [number] }));
  expect(describeChart("sent", many, String, true)).toMatch(/ 4 4 and 2 more$/);
});

test("notifications have neither channels nor templates, engagements no status", () => {
  expect(listGroups("accepted")).not.toContain("channel");
  expect(listFilters("decided")).toEqual(["priority", "category", "type"]);
  expect(listGroups("clicked")).not.toContain("status");
  expect(listGroups("cost")).toContain("provider");
});

test("a series leads to a list only if that list has such a filter", () => {
  const period = { from: 1_795_851_780, to: 1_795_855_380 };
  expect(buildListFilter("reason", "opted_out", period)).toEqual({ reason: "opted_out", since: "1795851780", until: "1795855380" });
  expect(buildListFilter("provider", "sendgrid", period)).toBeUndefined();
  expect(buildListFilter("type", "*", period)).toBeUndefined();
  expect(buildListFilter("category", "", period)).toBeUndefined();
});

test.each([[150, 100, "+50 %"], [50, 100, "-50 %"], [5, 0, ""], [100, 100, "0 %"]])("%i after %i is %s", (total, before, text) => expect(formatChange(total, before)).toBe(text));

test("an amount that is not whole has two digits", () => expect(formatAmount(1.5)).toBe("1.50"));

test("a step that is not a minute old may still change", () => {
  expect(findLateStart(3_700, 3_600)).toBe(3_600);
  expect(findLateStart(3_650, 3_600)).toBe(0);
});

test("a burn rate and a wait are judged", () => {
  expect([null, 0.5, 1, 2, 14.4].map((rate) => judgeBurn(rate).tone)).toEqual(["neutral", "good", "good", "waiting", "bad"]);
  expect(judgeWait(0.4, 1)).toEqual({ tone: "good", word: "in time" });
  expect(judgeWait(3, 5)).toEqual({ tone: "waiting", word: "at risk" });
  expect(judgeWait(95, 30)).toEqual({ tone: "bad", word: "missed by 1 min 5 s" });
});

test("the URL keeps what is valid", () => {
  expect(readAnalyticsSearch({ metric: "sent", range: "2h", step: "60", tab: "latency" })).toEqual({ metric: "sent", step: "60", tab: "latency" });
  expect(readSlaSearch({ span: "6h", other: "x" })).toEqual({ span: "6h" });
});
