import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
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

test("what was shown on request is not counted again, even beyond the pages that are loaded", async () => {
  const onShow = vi.fn().mockResolvedValue(false);
  render(<MantineProvider><NewRowCount filter={{}} rows={[]} seen={1} onShow={onShow} /></MantineProvider>);
  arrive("ntf_1", "ntf_2");
  await act(async () => void fireEvent.click(screen.getByText("2 new")));
  expect(screen.getByText("2 new")).toBeTruthy(); // the list could not be read
  onShow.mockImplementation(async () => {
    live.send({ rows: [{ kind: "decided", notification_id: "ntf_3", status: "routed", occurred_at: 2 }], skipped: 0, missed: 0 });
    return true;
  });
  await act(async () => void fireEvent.click(screen.getByText("2 new")));
  expect(screen.getByText("1 new")).toBeTruthy(); // it came meanwhile
});
