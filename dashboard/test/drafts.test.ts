import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import { forgetDrafts, readDraft, useDraft } from "../src/drafts";

test("what a page writes as it goes is forgotten after it, and nothing else of the tab", () => {
  sessionStorage.setItem("reloaded_at", "1");
  const { result, unmount } = renderHook(() => useDraft<string>("template data order"));
  act(() => result.current[1]("typed"));
  unmount();
  expect(readDraft("template data order")).toBe("typed");
  forgetDrafts();
  expect([readDraft("template data order"), sessionStorage.getItem("reloaded_at")]).toEqual([undefined, "1"]);
});
