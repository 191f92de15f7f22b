import { expect, test } from "vitest";
import { buildChoice, buildUndo, findInherited, findPreference, formatTimeOfDay, listCategories, listQuietParts, type Preference } from "../src/preferences";

const items: Preference[] = [{ category: "marketing", choice: "out", digest: "daily" }, { channel: "push", choice: "in" }, { choice: "out" }];

test("the most specific choice decides: the category's before the channel's, and the one for everything last", () => {
  expect(findInherited(items, "marketing", "push")).toBe("out");
  expect(findInherited(items, "social", "push")).toBe("in");
  expect(findInherited(items, "social", "sms")).toBe("out");
  expect(findInherited(items, "marketing", "")).toBe("out");
  expect(findInherited(items, "", "")).toBeUndefined();
  expect(findInherited([], "social", "sms")).toBeUndefined();
});

test("a new choice keeps the digest, and an undo brings all of it back", () => {
  expect(findPreference(items, "marketing", "")?.digest).toBe("daily");
  expect(buildChoice(items, "marketing", "", "in")).toEqual({ category: "marketing", channel: "", choice: "in", digest: "daily" });
  const removal = buildChoice(items, "marketing", "", null);
  expect(removal).toEqual({ category: "marketing", channel: "", choice: null });
  expect(buildUndo(items, removal)).toEqual({ category: "marketing", channel: "", choice: "out", digest: "daily" });
  expect(buildUndo(items, buildChoice(items, "social", "sms", "in"))).toEqual({ category: "social", channel: "sms", choice: null });
});

test("a category that no rule has any more is still shown", () => {
  expect(listCategories(["security"], items)).toEqual(["marketing", "security"]);
});

test("quiet hours over midnight are two parts of a day", () => {
  expect(listQuietParts({ start: "12:00", end: "18:00" })).toEqual([{ from: 0.5, to: 0.75 }]);
  expect(listQuietParts({ start: "18:00", end: "06:00" })).toEqual([{ from: 0.75, to: 1 }, { from: 0, to: 0.25 }]);
  expect(listQuietParts({ start: "18:00", end: "00:00" })).toEqual([{ from: 0.75, to: 1 }]);
});

test("a time of day is that of the zone, and an unknown zone is UTC", () => {
  expect(formatTimeOfDay(1_795_851_813, "Europe/Vienna")).toBe("08:43");
  expect(formatTimeOfDay(1_795_851_813, "")).toBe("07:43");
  expect(formatTimeOfDay(1_795_851_813, "Europe/Viena")).toBe("07:43");
});
