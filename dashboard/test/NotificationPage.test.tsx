import { act, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LiveState } from "../src/live";

const live = vi.hoisted(() => ({ state: "connecting" as LiveState, send: () => undefined as void }));
vi.mock("../src/live", () => ({
  useLive: (_: object, onChange: () => void) => {
    live.send = onChange;
    return live.state;
  },
}));
const { queryClient } = await import("../src/api");
const { Refresher } = await import("../src/pages/NotificationPage");

const read = vi.spyOn(queryClient, "invalidateQueries");
beforeEach(() => {
  vi.useFakeTimers();
  live.state = "connecting";
  read.mockReset().mockResolvedValue(undefined);
});
afterEach(() => void vi.useRealTimers());

test("a notification is read when the live view begins, and again while the history may be behind it", () => {
  const { rerender, unmount } = render(<Refresher id="ntf_1" />);
  expect(read).not.toHaveBeenCalled();
  live.state = "live";
  rerender(<Refresher id="ntf_1" />);
  expect(read).toHaveBeenLastCalledWith({ queryKey: ["explanation", "ntf_1"] });
  act(() => void vi.advanceTimersByTime(60_000));
  expect(read).toHaveBeenCalledTimes(4);
  act(() => live.send());
  act(() => void vi.advanceTimersByTime(2_000));
  expect(read).toHaveBeenCalledTimes(6);
  unmount();
  act(() => void vi.advanceTimersByTime(60_000));
  expect(read).toHaveBeenCalledTimes(6);
});
