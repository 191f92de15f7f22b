import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook } from "@testing-library/react";
import { useState, type ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const get = vi.hoisted(() => vi.fn());
vi.mock("../src/session", () => ({ useCan: () => true, getAccessToken: () => "", refreshSession: () => Promise.resolve(false) }));
vi.mock("herold-client", async (load) => ({ ...(await load<object>()), createHerold: () => ({ GET: get }), unwrap: (answer: unknown) => answer }));
const { ProblemError } = await import("herold-client");
const { queryClient } = await import("../src/api");
const { useProposedData } = await import("../src/parts/useProposedData");

const SAMPLES: Record<string, object> = { order: { old: 1 }, "order.shipped": { order: 17 } };

beforeEach(() => {
  vi.useFakeTimers();
  queryClient.clear();
  get.mockReset().mockImplementation(async (path: string, { params }: { params: { path: { name?: string } } }) => {
    const sample = SAMPLES[params.path.name ?? ""];
    if (path.startsWith("/v1/rules") || !sample) throw new ProblemError(404, {});
    return { document: { samples: { first: sample } } };
  });
});
afterEach(() => vi.useRealTimers());

const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
const show = () => renderHook(({ type }) => {
  const [data, setData] = useState("");
  return { data, setData, proposal: useProposedData({ type, template: "", data, onFill: setData }) };
}, { wrapper, initialProps: { type: "" } });
const pause = async () => {
  for (let turn = 0; turn < 3; turn++) await act(() => vi.advanceTimersByTimeAsync(300)); // React renders after each
};

test("what is typed letter by letter is asked for once, and the type itself names the template", async () => {
  const { result, rerender } = show();
  for (const type of ["o", "ord", "order", "order.", "order.shipped"]) rerender({ type });
  await pause();
  expect(get.mock.calls.map(([path]) => path)).toEqual(["/v1/rules/{rule_type}", "/v1/templates/{name}"]);
  expect(JSON.parse(result.current.data)).toEqual({ order: 17 });
});

test("what was filled in goes with its type, and what was typed stays", async () => {
  const { result, rerender } = show();
  rerender({ type: "order" });
  await pause();
  expect(JSON.parse(result.current.data)).toEqual({ old: 1 });
  rerender({ type: "order.shipped" });
  await pause();
  expect(JSON.parse(result.current.data)).toEqual({ order: 17 });
  rerender({ type: "unknown" });
  await pause();
  expect(result.current.data).toBe("");
  act(() => result.current.setData('{"order": 18}'));
  rerender({ type: "order" });
  await pause();
  expect(result.current.data).toBe('{"order": 18}');
});

test("nothing is filled in where somebody is about to type", async () => {
  const field = document.body.appendChild(document.createElement("textarea"));
  field.focus();
  const { result, rerender } = show();
  rerender({ type: "order" });
  await pause();
  expect(result.current.data).toBe("");
  act(() => result.current.proposal?.fill());
  expect(JSON.parse(result.current.data)).toEqual({ old: 1 });
  field.remove();
});
