import { beforeEach, expect, test, vi } from "vitest";
import { findNextStep, isExplanation, isLater, isOnTour, listSteps } from "../src/tour";

const NOTHING = { isDelivered: false, isSent: false, hasWatched: false, isBroken: false, hasRead: false };
const READ = ["notifications:read"];
const DEVELOPER = { permissions: [...READ, "notifications:send", "live:read"], features: [] };
const LOCAL_ADMIN = { permissions: [...DEVELOPER.permissions, "simulators:read", "simulators:write", "metrics:read"], features: ["simulators"] };

test("an admin of a local stack sends, watches, breaks and reads", () => {
  const steps = listSteps(LOCAL_ADMIN, NOTHING);
  expect(steps.map(({ name, url }) => [name, url])).toEqual([["send", "/send"], ["arrive", "/live"], ["break", "/simulators?tab=faults"], ["read", "/explain"]]);
  expect(findNextStep(steps)?.name).toBe("send");
});

test("a step is done when it has happened, and the next ones lead to the notification that was sent", () => {
  const steps = listSteps(LOCAL_ADMIN, { notificationId: "ntf_1", isDelivered: true, isSent: false, hasWatched: false, isBroken: false, hasRead: false });
  expect(steps.map(({ isDone }) => isDone)).toEqual([true, true, false, false]);
  expect(steps.map(({ url }) => url)).toEqual(["/send", "/notifications/ntf_1", "/simulators?tab=faults", "/notifications/ntf_1"]);
  expect(findNextStep(steps)?.name).toBe("break");
  expect(findNextStep(listSteps(LOCAL_ADMIN, { notificationId: "ntf_1", isDelivered: true, isSent: false, hasWatched: false, isBroken: true, hasRead: true }))).toBeUndefined();
});

test("where a provider sends no receipt the tour goes on from SENT once one has watched, and says what that is", () => {
  const find = (facts: object) => listSteps(LOCAL_ADMIN, { ...NOTHING, notificationId: "ntf_1", ...facts }).find(({ name }) => name === "arrive");
  expect(find({ isSent: true })).toMatchObject({ isDone: false, url: "/notifications/ntf_1" });
  expect(find({ isSent: true, hasWatched: true })).toMatchObject({ isDone: true, text: expect.stringContaining("SENT: the provider has taken it") });
  expect(find({ isSent: true, isDelivered: true })).toMatchObject({ isDone: true, text: expect.not.stringContaining("SENT") });
  expect(find({})).toMatchObject({ isDone: false });
});

test("who may not send waits, and is led to no page that the role has not", () => {
  const steps = listSteps({ permissions: READ, features: ["simulators"] }, NOTHING);
  expect(steps.map(({ name, title, url }) => [name, title, url])).toEqual([
    ["send", "Wait for the first one", undefined], ["arrive", "Watch it arrive", undefined], ["read", "Read why", "/explain"],
  ]);
  expect(listSteps({ permissions: ["notifications:send"], features: [] }, NOTHING)).toEqual([]);
});

test("without simulators the settings of the providers are named, with their page for who may see it", () => {
  const find = (permissions: string[]) => listSteps({ permissions, features: [] }, NOTHING).find(({ name }) => name === "break");
  expect(find(DEVELOPER.permissions)).toMatchObject({ text: expect.stringContaining("faust.yml") });
  expect(find(DEVELOPER.permissions)?.url).toBeUndefined();
  expect(find([...DEVELOPER.permissions, "metrics:read"])?.url).toBe("/providers");
});

test("the bar is on the pages that the tour leads to, and an explanation is the page of one notification", () => {
  expect(["/send", "/notifications/ntf_1", "/simulators"].every(isOnTour)).toBe(true);
  expect(["/overview", "/settings", "/sender"].some(isOnTour)).toBe(false);
  expect([isExplanation("/notifications/ntf_1"), isExplanation("/notifications"), isExplanation("/users/ntf_1")]).toEqual([true, false, false]);
});

test("later is what has a later time in its id, and anything is later than nothing", () => {
  expect([isLater("ntf_02", "ntf_01"), isLater("dlv_01", "ntf_02"), isLater("ntf_01", ""), isLater("ntf_01", "ntf_01")]).toEqual([true, false, true, false]);
});

beforeEach(() => {
  localStorage.clear();
  vi.resetModules();
});
const load = () => import("../src/tour");

test("what is done and closed stays so after a reload, and in other tabs", async () => {
  const first = await load();
  first.showTour();
  first.changeTour({ after: "ntf_1", hasWatched: true, wasBroken: true });
  vi.resetModules();
  const second = await load();
  expect(second.getTour()).toEqual({ choice: "open", isBarClosed: false, after: "ntf_1", hasWatched: true, wasBroken: true, hasRead: false });
  localStorage.setItem("herold.tour", '{"choice":"closed"}');
  window.dispatchEvent(new StorageEvent("storage", { key: "herold.tour" }));
  expect(second.getTour().choice).toBe("closed");
});

test("a tour that is shown again begins anew", async () => {
  const { changeTour, getTour, showTour } = await load();
  changeTour({ choice: "closed", isBarClosed: true, after: "ntf_1", wasBroken: true, hasRead: true });
  showTour();
  expect(getTour()).toEqual({ choice: "open", isBarClosed: false, after: undefined, hasWatched: false, wasBroken: false, hasRead: false });
});

test("what cannot be read is as at first", async () => {
  localStorage.setItem("herold.tour", "{");
  expect((await load()).getTour().choice).toBe("none");
});
