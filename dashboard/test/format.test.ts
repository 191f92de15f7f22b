import { formatAxis, formatAgo, formatClock, formatCode, formatDuration, formatMoment, formatShare, formatShort, formatTime, formatUtc } from "../src/format";

test.each([[0.0351, "35 ms"], [4.2, "4.2 s"], [59.97, "1 min 0 s"], [119.6, "2 min 0 s"], [0.9996, "1.0 s"], [200, "3 min 20 s"], [7320, "2 h 2 min"]])("%d s is %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([[-0.2, "now"], [-59, "59 seconds ago"], [-3700, "1 hour ago"], [-90_000, "yesterday"], [120, "in 2 minutes"]])("%d s from now is %s", (distance, text) => {
  expect(formatAgo(1_000_000 + distance, 1_000_000)).toBe(text);
});

test("UTC has milliseconds and its name", () => expect(formatUtc(1_795_851_813.25)).toBe("2026-11-28 07:43:33.250 UTC"));
test("a moment has its day where that is not today", () => {
  const noon = new Date(2026, 10, 28, 12).getTime() / 1000;
  expect(formatMoment(noon, noon + 3_600)).toBe(formatClock(noon));
  expect(formatMoment(noon, noon + 86_400)).toMatch(/28.*12:00:00/);
  expect(formatMoment(noon, noon + 366 * 86_400)).toMatch(/28.*12:00:00/);
});
test.each([[null, "–"], [1, "100 %"], [0.99999, "99.99 %"], [0.9995, "99.95 %"], [0.29, "29.00 %"], [0.5, "50.00 %"], [0, "0.00 %"]])("the share %s is %s: never all while anything is missing", (share, text) => {
  expect(formatShare(share)).toBe(text);
});
test("times are in English, by a clock of 24 hours", () => expect(formatTime(new Date(2026, 10, 28, 14, 5).getTime() / 1000)).toBe("Nov 28, 2026, 14:05:00"));
test("a code is words", () => expect(formatCode("rate_limited")).toBe("rate limited"));

test("an axis says the day where it changes, and only days where they are far apart", () => {
  const noon = new Date(2026, 10, 28, 12).getTime() / 1000;
  const [first, second, third] = formatAxis([noon, noon + 3_600, noon + 86_400], 3_600);
  expect([first?.split("\n").length, second?.split("\n").length, third?.split("\n").length]).toEqual([2, 1, 2]);
  expect(formatAxis([noon], 86_400)[0]).toBe(first?.split("\n")[1]);
});

test("a short time is the clock of today, the day with the hour of this year, and the day of another year", () => {
  const noon = new Date(2026, 10, 28, 12).getTime() / 1000, day = 86_400;
  expect(formatShort(noon - 60, noon)).toBe("11:59:00");
  expect(formatShort(noon - 2 * day, noon)).toBe("Nov 26, 12:00");
  expect(formatShort(noon - 365 * day, noon)).toBe("Nov 28, 2025");
});
