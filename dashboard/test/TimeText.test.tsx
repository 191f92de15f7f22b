import { act, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { setDisplay } from "../src/display";
import { NowProvider, TimeText, useNow } from "../src/parts/TimeText";

const Shown = () => <output>{useNow()}</output>;
const read = () => Number(screen.getByRole("status").textContent);
const hide = (hidden: boolean) => vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
afterEach(() => { vi.useRealTimers(); vi.restoreAllMocks(); });

test("the clock of the page stands while nobody sees it, and is right at once when somebody does", () => {
  vi.useFakeTimers({ now: 0 });
  render(<NowProvider><Shown /></NowProvider>);
  act(() => void vi.advanceTimersByTime(10_000));
  expect(read()).toBe(10);
  hide(true);
  act(() => void vi.advanceTimersByTime(60_000));
  expect(read()).toBe(10);
  hide(false);
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  expect(read()).toBe(70);
});

test("a time of a list says how long ago, or when; UTC is on hover in either", () => {
  vi.useFakeTimers({ now: 1_795_851_813_000 });
  render(<NowProvider><TimeText at={1_795_851_753} isRelative /></NowProvider>);
  const time = () => document.querySelector("time")!;
  expect(time().textContent).toBe("1 minute ago");
  act(() => setDisplay({ times: "exact", zone: "utc" }));
  expect(time().textContent).toBe("07:42:33");
  expect(time().title).toContain("2026-11-28 07:42:33.000 UTC");
  act(() => setDisplay({ times: "relative", zone: "local" }));
});
