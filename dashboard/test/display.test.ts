import { beforeEach, expect, test, vi } from "vitest";

beforeEach(() => {
  localStorage.clear();
  vi.resetModules();
});
const load = () => import("../src/display");

test("all is as usual until something else is chosen, which a reload keeps", async () => {
  const first = await load();
  expect(first.getDisplay()).toEqual({ zone: "local", times: "relative", density: "comfortable", hasLetterKeys: true });
  first.setDisplay({ zone: "utc" });
  first.setDisplay({ times: "exact", density: "compact", hasLetterKeys: false });
  vi.resetModules();
  expect((await load()).getDisplay()).toEqual({ zone: "utc", times: "exact", density: "compact", hasLetterKeys: false });
});

test("the page has the density from the first frame on, and at once when it changes", async () => {
  localStorage.setItem("herold.display", '{"density":"compact"}');
  const { setDisplay } = await load();
  expect(document.documentElement.dataset.density).toBe("compact");
  setDisplay({ density: "comfortable" });
  expect(document.documentElement.dataset.density).toBe("comfortable");
});

test("what cannot be read is as usual", async () => {
  localStorage.setItem("herold.display", "{");
  expect((await load()).getDisplay().zone).toBe("local");
});

test("another tab's choice counts here", async () => {
  const { getDisplay } = await load();
  localStorage.setItem("herold.display", '{"zone":"utc"}');
  window.dispatchEvent(new StorageEvent("storage", { key: "herold.display" }));
  expect(getDisplay().zone).toBe("utc");
});

test("the field of a time is in the zone that is chosen", async () => {
  const { setDisplay } = await load(), { formatLocalTime, parseLocalTime } = await import("../src/localTime");
  vi.spyOn(Date.prototype, "getTimezoneOffset").mockReturnValue(-60);
  expect(formatLocalTime(1_795_851_780)).toBe("2026-11-28T08:43");
  setDisplay({ zone: "utc" });
  expect(formatLocalTime(1_795_851_780)).toBe("2026-11-28T07:43");
  expect([parseLocalTime("2026-11-28T07:43"), parseLocalTime("")]).toEqual([1_795_851_780, undefined]);
  vi.restoreAllMocks();
});

test("times are written in the zone that is chosen", async () => {
  const { setDisplay } = await load(), { formatClock, formatTime } = await import("../src/format");
  setDisplay({ zone: "utc" });
  expect(formatTime(1_795_851_813)).toContain("UTC");
  expect(formatClock(1_795_851_813)).toMatch(/07:43:33/);
});
