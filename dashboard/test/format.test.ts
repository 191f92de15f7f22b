import { formatAgo, formatCode, formatDuration, formatUtc } from "../src/format";

test.each([[0.0351, "35 ms"], [4.2, "4.2 s"], [59.97, "1 min 0 s"], [119.6, "2 min 0 s"], [0.9996, "1.0 s"], [200, "3 min 20 s"], [7320, "2 h 2 min"]])("%d s is %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([[-0.2, "now"], [-59, "59 seconds ago"], [-3700, "1 hour ago"], [-90_000, "yesterday"], [120, "in 2 minutes"]])("%d s from now is %s", (distance, text) => {
  expect(formatAgo(1_000_000 + distance, 1_000_000)).toBe(text);
});

test("UTC has milliseconds and its name", () => expect(formatUtc(1_795_851_813.25)).toBe("2026-11-28 07:43:33.250 UTC"));
test("a code is words", () => expect(formatCode("rate_limited")).toBe("rate limited"));
