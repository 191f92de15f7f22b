import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { ProblemError } from "herold-client";
import { expect, test, vi } from "vitest";

type Sent = { params?: { header: { "Idempotency-Key": string } }; body: { preview?: boolean } };
const post = vi.hoisted(() => vi.fn());
vi.mock("../src/session", () => ({ getAccessToken: () => "", refreshSession: () => Promise.resolve(false) }));
vi.mock("herold-client", async (load) => ({ ...(await load<object>()), createHerold: () => ({ POST: post }), unwrap: (answer: unknown) => answer }));
const { queryClient } = await import("../src/api");
const { RedriveForm } = await import("../src/parts/RedriveForm");

test("a redrive that is tried again has the same key, and one that was changed another", async () => {
  post.mockImplementation(async (_: string, { body }: Sent) => {
    if (body.preview) return { count: 1, examined_count: 1, results: {} };
    throw new ProblemError(503, {});
  });
  render(<MantineProvider><QueryClientProvider client={queryClient}><RedriveForm filter={{}} onDone={() => undefined} /></QueryClientProvider></MantineProvider>);
  await screen.findByText(/1 open dead letters/);
  const start = () => act(async () => void fireEvent.click(screen.getByText("Redrive").closest("button")!));
  const fill = (text: string) => fireEvent.change(screen.getByLabelText("Reason, for the audit log"), { target: { value: text } });
  fill("a test");
  await start();
  await start();
  fill("another test");
  await start();
  const keys = post.mock.calls.flatMap((call) => (call[1] as Sent).params?.header["Idempotency-Key"] ?? []);
  expect([keys.length, keys[0] === keys[1], keys[1] === keys[2]]).toEqual([3, true, false]);
}, 20_000);
