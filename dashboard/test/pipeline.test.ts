import type { Schemas } from "herold-client";
import { buildPicture, describeLag, describeOrdered, findPlace, formatAge, formatBytes, formatPartitions, formatRate, getProgress, getWidth, leadsOn, type Topology } from "../src/pipeline";

type Node = Schemas["TopologyNode"];
const node = (id: string, kind: Node["kind"], group: string, more: Partial<Node> = {}): Node => ({ id, kind, label: id.split(":").at(-1)!, group, ...more });
const topology = (nodes: Node[], edges: Topology["edges"]): Topology => ({ read_at: 0, sources: {}, nodes, edges }) as Topology;

const high = node("topic:notifications.high", "topic", "topics:notifications", { rate_in: 5, rate_out: 4, lag: { messages: 3, seconds: 2 } });
const low = node("topic:notifications.low", "topic", "topics:notifications", { rate_in: 1, rate_out: null, lag: { messages: 4, seconds: 9 } });
const router = node("role:router", "role", "role:router", { workers: ["a:1"], problem: "no worker runs", lag: { messages: 7, seconds: 9 } });
const table = node("table:router/idempotency", "table", "role:router", { rate_in: 99 });

test("topics of three priorities are one place, and tables are within their role", () => {
  const { places } = buildPicture(topology([high, low, router, table], []));
  expect(places.map((place) => [place.id, place.label, place.rateIn, place.rateOut, place.waiting, place.seconds])).toEqual([
    ["topics:notifications", "notifications", 6, 4, 7, 9],
    ["role:router", "router", null, null, 7, 9],
  ]);
  expect(places[1]).toMatchObject({ kind: "role", problem: "no worker runs", workers: ["a:1"], tables: [table], topics: [] });
});

test("ways between places have the sums of the rates that are known", () => {
  const edges = [
    { source: high.id, target: router.id, rate: 4 }, { source: low.id, target: router.id, rate: null },
    { source: router.id, target: table.id, rate: 9 }, { source: router.id, target: low.id, rate: null },
  ];
  expect(buildPicture(topology([high, low, router, table], edges)).ways).toEqual([
    { id: "topics:notifications role:router", source: "topics:notifications", target: "role:router", rate: 4 },
    { id: "role:router topics:notifications", source: "role:router", target: "topics:notifications", rate: null },
  ]);
});

test("a topic of the address is a part of its place", () => {
  const { places } = buildPicture(topology([high, low, router], []));
  expect(findPlace(places, "topic:notifications.low")).toMatchObject({ label: "notifications.low", topics: [low] });
  expect(findPlace(places, "topics:notifications")?.topics).toEqual([high, low]);
  expect(findPlace(places, "nothing")).toBeUndefined();
});

test("what comes back does not decide where a place is drawn", () => {
  const way = (source: string, target: string) => ({ id: "", source, target, rate: null });
  expect([way("producers", "topics:notifications"), way("role:router", "topics:deliveries.sms"), way("role:sms", "topics:notifications.status")].every(leadsOn)).toBe(true);
  expect([way("role:scheduler", "topics:notifications"), way("role:sms", "topics:scheduled"), way("role:recorder", "topics:deliveries.sms"), way("producers", "topics:scheduled")].some(leadsOn)).toBe(false);
});

test("rates, sizes and times fit into few characters", () => {
  expect([null, 0, 0.04, 1.25, 9.94, 123.4, 12_345, 2_000_000].map(formatRate)).toEqual(["–", "0/s", "0/s", "1.3/s", "9.9/s", "123/s", "12.3K/s", "2M/s"]);
  expect([0, 999, 1_500, 118_000_000, 3_200_000_000].map(formatBytes)).toEqual(["0 B", "999 B", "1.5 kB", "118 MB", "3.2 GB"]);
  expect([-1, 59.9, 60, 7_199, 90_000, 200_000].map(formatAge)).toEqual(["0 s", "59 s", "1 min", "1 h", "25 h", "2 d"]);
});

test("partitions are written as ranges", () => {
  expect(formatPartitions([0, 1, 2, 5, 7, 8])).toBe("0–2, 5, 7–8");
  expect(formatPartitions([])).toBe("");
});

test("what waits is said with how long at least", () => {
  expect(describeLag({ messages: 1200, seconds: 65 })).toContain("for 1 min or longer");
  expect(describeLag({ messages: 0, seconds: 0 })).toBe("0");
  expect(describeLag(null)).toBe("");
});

test("a width grows with the rate and has an end", () => {
  expect(getWidth(null)).toBe(1);
  expect(getWidth(100)).toBeGreaterThan(getWidth(10));
  expect(getWidth(1e9)).toBe(9);
});

test("a recovery that does not know its end yet has done nothing", () => {
  expect(getProgress({ total: 0, remaining: 0 })).toBe(0);
  expect(getProgress({ total: 200, remaining: 50 })).toBe(75);
});

test("webhooks that wait behind another one are said, if there are any", () => {
  expect([undefined, 0, 1, 1200].map(describeOrdered)).toEqual(["", "", "1 webhook waits for its turn", "1,200 webhooks wait for their turn"]);
});
