import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import { ProblemError } from "herold-client";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { useAction, useConflict } from "../src/actions";
import { queryClient } from "../src/api";

const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
const changed = new ProblemError(412, {});

test.each([[404, 1], [409, 1], [412, 1], [503, 1], [422, 0], [403, 0]])("after a %s what the page shows is read again %s times", async (status, times) => {
  const refresh = vi.spyOn(queryClient, "invalidateQueries").mockClear();
  const { result } = renderHook(() => useAction(() => Promise.reject(new ProblemError(status, {})), { refresh: [["users"]], isQuiet: true }), { wrapper });
  act(() => result.current.mutate());
  await waitFor(() => expect(result.current.isError).toBe(true));
  expect(refresh).toHaveBeenCalledTimes(times);
});

test("the page of what could not be deleted is read again, as its version is old", async () => {
  const refresh = vi.spyOn(queryClient, "invalidateQueries").mockClear();
  const { result } = renderHook(() => useAction((error: unknown) => (error ? Promise.reject(error) : Promise.resolve()), { refresh: [["users"]], outdated: [["user", "u-1"]], isQuiet: true }), { wrapper });
  await act(() => result.current.mutateAsync(changed).catch(() => undefined));
  expect(refresh.mock.calls).toEqual([[{ queryKey: ["users"] }], [{ queryKey: ["user", "u-1"] }]]);
  refresh.mockClear();
  await act(() => result.current.mutateAsync(undefined));
  expect(refresh.mock.calls).toEqual([[{ queryKey: ["users"] }]]);
});

test("what is stored is read anew on each conflict, and on no other failure", async () => {
  const read = vi.fn().mockResolvedValueOnce({ version: 2 }).mockResolvedValueOnce({ version: 3 });
  const { result } = renderHook(() => useConflict<{ version: number }>(read));
  await act(() => result.current.meet(new ProblemError(422, {})));
  expect(read).not.toHaveBeenCalled();
  await act(() => result.current.meet(changed));
  expect(result.current.theirs).toEqual({ version: 2 });
  await act(() => result.current.meet(changed));
  expect(result.current.theirs).toEqual({ version: 3 });
  act(() => result.current.end());
  expect(result.current.theirs).toBeUndefined();
});

test("a conflict whose other version cannot be read leaves the failure of the save", async () => {
  const { result } = renderHook(() => {
    const { theirs, meet } = useConflict(() => Promise.reject(new TypeError("offline")));
    return { theirs, save: useAction(() => Promise.reject(changed), { isQuiet: true, onFailure: meet }) };
  }, { wrapper });
  act(() => result.current.save.mutate());
  await waitFor(() => expect(result.current.save.error).toBe(changed));
  expect(result.current.theirs).toBeUndefined();
});
