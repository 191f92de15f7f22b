import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

const api = vi.hoisted(() => ({ PUT: vi.fn(), DELETE: vi.fn() }));
vi.mock("herold-client", async (load) => ({ ...(await load<object>()), createHerold: () => api }));

const { queryClient } = await import("../src/api");
const { LimitForm } = await import("../src/parts/RateLimits");

const stored = { version: 3, limit: { channel: "sms", window_seconds: 60, max_count: 5, category: "", tier: "" } } as unknown as Parameters<typeof LimitForm>[0]["stored"];
const refusal = (status: number, title: string) => ({ response: new Response(null, { status }), error: { title, status } });
const show = () => render(
  <MantineProvider><QueryClientProvider client={queryClient}>
    <LimitForm limitKey={{ channel: "sms", window: 60, category: "", tier: "" }} stored={stored} onDone={() => undefined} />
  </QueryClientProvider></MantineProvider>,
);

test("what failed is what is tried again, and its failure ends when something else begins", async () => {
  api.DELETE.mockResolvedValue(refusal(503, "Not now"));
  api.PUT.mockResolvedValue(refusal(403, "No"));
  show();
  await userEvent.click(screen.getByRole("button", { name: "Delete the limit" }));
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(api.DELETE).toHaveBeenCalledTimes(2);
  expect(api.PUT).not.toHaveBeenCalled();
  await userEvent.type(screen.getByLabelText("At most, for each user"), "0");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("You do not have the permission");
  expect(screen.queryByText("Not now")).toBeNull();
});
