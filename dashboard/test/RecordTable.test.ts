import { expect, test } from "vitest";
import { sumWidths } from "../src/parts/RecordTable";

test("columns without a width get room where the list is wider than its screen", () => {
  expect(sumWidths([{ width: "8.5rem" }, { width: "7rem" }])).toBe(15.5);
  expect(sumWidths([{ width: "50rem" }, {}])).toBe(59);
});
