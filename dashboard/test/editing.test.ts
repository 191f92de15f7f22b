import { act, renderHook } from "@testing-library/react";
import { compareTexts } from "../src/diffs";
import { readDraft, useDraft, writeDraft } from "../src/drafts";

test("equal lines far from a difference are folded", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`), changed = lines.with(10, "another");
  const folded = compareTexts(lines.join("\n"), changed.join("\n"));
  expect(folded[0]).toEqual({ kind: "folded", text: "7 equal lines" });
  expect(folded.filter((line) => line.kind === "same").map((line) => line.text)).toEqual(["line 7", "line 8", "line 9", "line 11", "line 12", "line 13"]);
  expect(folded.filter((line) => line.kind === "added" || line.kind === "removed")).toEqual([{ kind: "removed", text: "line 10" }, { kind: "added", text: "another" }]);
  expect(folded.at(-1)).toEqual({ kind: "folded", text: "6 equal lines" });
});

test("short runs of equal lines are shown", () => {
  expect(compareTexts("a\nb", "a\nc").map((line) => line.kind)).toEqual(["same", "removed", "added"]);
  expect(compareTexts("a", "a\nb")).toEqual([{ kind: "same", text: "a" }, { kind: "added", text: "b" }]);
  expect(compareTexts("", "a")).toEqual([{ kind: "added", text: "a" }]);
});

test("what is kept is what was written, until it is forgotten", () => {
  writeDraft("one", { base: 1, text: "ä" });
  expect(readDraft("one")).toEqual({ base: 1, text: "ä" });
  writeDraft("one", undefined);
  expect(readDraft("one")).toBeUndefined();
  sessionStorage.setItem("draft two", "{");
  expect(readDraft("two")).toBeUndefined();
});

test("an editor begins anew when a draft is discarded, not when what is typed is as it is stored", () => {
  const { result } = renderHook(() => useDraft<string>("three"));
  act(() => result.current[1]("typed"));
  act(() => result.current[1](undefined));
  expect(result.current[2].round).toBe(0);
  act(() => result.current[1]("typed"));
  act(() => result.current[2].begin());
  expect(result.current[0]).toBeUndefined();
  expect(result.current[2].round).toBe(1);
});
