// The lines of a comparison: what differs, and a few lines around it.

import { diffLines } from "diff";

export interface DiffLine {
  kind: "same" | "added" | "removed" | "folded";
  text: string;
}
interface Change {
  value: string;
  added: boolean;
  removed: boolean;
}

const AROUND = 3; // lines of context on each side
const MAX_MS = 1_000; // after which texts that have little in common are shown one after the other

/** What differs between two texts. */
export function compareTexts(before: string, after: string): DiffLine[] {
  const [old, current] = [before, after].map((text) => text && `${text}\n`) as [string, string]; // so that the last line is like the others
  const whole = [{ value: old, removed: true, added: false }, { value: current, removed: false, added: true }].filter((change) => change.value);
  return foldLines(diffLines(old, current, { timeout: MAX_MS }) ?? whole);
}

/** The lines of some changes; longer runs of equal lines are folded to their number. */
export function foldLines(changes: readonly Change[]): DiffLine[] {
  return changes.flatMap((change, index) => {
    const lines = change.value.replace(/\n$/, "").split("\n");
    if (change.added || change.removed) return lines.map((text): DiffLine => ({ kind: change.added ? "added" : "removed", text }));
    const first = index === 0 ? 0 : AROUND, last = index === changes.length - 1 ? 0 : AROUND;
    const hidden = lines.length - first - last;
    const same = lines.map((text): DiffLine => ({ kind: "same", text }));
    if (hidden <= 1) return same;
    return [...same.slice(0, first), { kind: "folded", text: `${hidden} equal lines` }, ...same.slice(lines.length - last)];
  });
}
