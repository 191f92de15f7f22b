import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { LiveChange } from "../src/live";

const live = vi.hoisted(() => ({ send: (_: LiveChange) => undefined as void }));
vi.mock("../src/live", () => ({
  useLive: (_: object, onChange: (change: LiveChange) => void) => {
    live.send = onChange;
    return "live";
  },
}));
const { NewRowCount } = await import("../src/pages/NotificationsPage");

const arrive = (...ids: string[]) => act(() => live.send({ rows: ids.map((id) => ({ kind: "decided", notification_id: id, status: "routed", occurred_at: 1 })), skipped: 0, missed: 0 }));
const show = (onShow: () => Promise<readonly string[] | undefined>) =>
  render(<MantineProvider><NewRowCount filter={{}} rows={[]} seen={1} onShow={onShow} /></MantineProvider>);

afterEach(() => void vi.useRealTimers());

test("what was shown on request is not counted again, even beyond the pages that are loaded", async () => {
  const onShow = vi.fn<() => Promise<readonly string[] | undefined>>().mockResolvedValue(undefined);
  show(onShow);
  arrive("ntf_1", "ntf_2");
  await act(async () => void fireEvent.click(screen.getByText("2 new")));
  expect(screen.getByText("2 new")).toBeTruthy(); // the list could not be read
  onShow.mockImplementation(async () => {
    live.send({ rows: [{ kind: "decided", notification_id: "ntf_3", status: "routed", occurred_at: 2 }], skipped: 0, missed: 0 });
    return ["ntf_2"];
  });
  await act(async () => void fireEvent.click(screen.getByText("2 new")));
  expect(screen.getByText("1 new")).toBeTruthy(); // it came meanwhile
});

test("what the history does not have yet is read again, but not for ever", async () => {
  vi.useFakeTimers();
  const onShow = vi.fn().mockResolvedValueOnce([]).mockResolvedValueOnce(["ntf_1"]).mockResolvedValue(["ntf_2", "ntf_1"]);
  show(onShow);
  arrive("ntf_1", "ntf_2");
  fireEvent.click(screen.getByText("2 new"));
  await act(() => vi.advanceTimersByTimeAsync(600));
  expect(screen.getByText("2 new")).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect([screen.queryByText("2 new"), onShow.mock.calls.length]).toEqual([null, 3]);
  arrive("ntf_9"); // it is in another state by now, and no row of these filters
  fireEvent.click(screen.getByText("1 new"));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(screen.queryByText("1 new")).toBeNull();
});
