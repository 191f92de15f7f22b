import { parseSearch, readLiveSearch, readNotificationFilter, readTimes, stringifySearch } from "../src/searches";

test("a valid filter is kept, and nothing else", () => {
  expect(readNotificationFilter({ user_id: "u-1", state: "held", other: "x", channel: "" })).toEqual({ user_id: "u-1", state: "held" });
});

test("an old or mistyped link opens without the filter that is not valid", () => {
  expect(readNotificationFilter({ state: "lost", priority: "urgent", type: "order.shipped" })).toEqual({ type: "order.shipped" });
  expect(readLiveSearch({ status: "DELIVERED", channel: "fax" })).toEqual({ status: "DELIVERED" });
});

test.each(["12345678901234567890", "1e5", "true", "u 1&x=y", "ä"])("the id %s is the same after the way through a URL", (user_id) => {
  expect(readNotificationFilter(parseSearch(stringifySearch({ user_id })))).toEqual({ user_id });
});

test("a time of a list is in the URL as epoch seconds, and nothing else is a time", () => {
  const filter = readNotificationFilter({ since: "1795851780", until: "yesterday" });
  expect(filter).toEqual({ since: "1795851780" });
  expect(readTimes(filter)).toEqual({ since: 1_795_851_780, until: undefined });
});

test("what is empty is not in the URL", () => expect(stringifySearch({ user_id: undefined, type: "" })).toBe(""));
