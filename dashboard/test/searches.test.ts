import { readLiveSearch, readNotificationFilter } from "../src/searches";

test("a valid filter is kept, and nothing else", () => {
  expect(readNotificationFilter({ user_id: "u-1", state: "held", other: "x", channel: "" })).toEqual({ user_id: "u-1", state: "held" });
});

test("an old or mistyped link opens without the filter that is not valid", () => {
  expect(readNotificationFilter({ state: "lost", priority: "urgent", type: "order.shipped" })).toEqual({ type: "order.shipped" });
  expect(readLiveSearch({ status: "DELIVERED", channel: "fax" })).toEqual({ status: "DELIVERED" });
});

test("an id that looks like a number stays a text", () => expect(readNotificationFilter({ user_id: 17 })).toEqual({ user_id: "17" }));
