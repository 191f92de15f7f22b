import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import { useDraft } from "../src/useDraft";

const show = (stored: { version: number; name: string }) => renderHook((props) => useDraft(props, ({ name }) => ({ name })), { initialProps: stored });

test("a version that comes while nothing was typed is taken over", () => {
  const { result, rerender } = show({ version: 1, name: "Ada" });
  rerender({ version: 2, name: "Eve" });
  expect([result.current.draft.name, result.current.base.version, result.current.isChanged]).toEqual(["Eve", 2, false]);
});

test("what was typed stays on the version that it began with, until one is taken", () => {
  const { result, rerender } = show({ version: 1, name: "Ada" });
  act(() => result.current.setDraft({ name: "Ada L." }));
  rerender({ version: 2, name: "Eve" });
  expect([result.current.draft.name, result.current.base.version, result.current.isChanged]).toEqual(["Ada L.", 1, true]);
  act(() => result.current.take({ version: 2, name: "Eve" }));
  expect([result.current.draft.name, result.current.isChanged]).toEqual(["Eve", false]);
});

test("an older version that is read after a save is not taken over", () => {
  const { result, rerender } = show({ version: 1, name: "Ada" });
  act(() => result.current.take({ version: 2, name: "Eve" }));
  rerender({ version: 1, name: "Ada" });
  expect(result.current.draft.name).toBe("Eve");
});
