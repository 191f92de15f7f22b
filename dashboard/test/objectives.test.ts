import { expect, test } from "vitest";
import { listTargets } from "../src/objectives";

test("targets are those of the API, and none before it has answered", () => {
  expect(listTargets({ priorities: [{ priority: "high", target_seconds: 2 }, { priority: "low", target_seconds: 60 }] })).toEqual({ high: 2, low: 60 });
  expect(listTargets(undefined)).toEqual({});
});
