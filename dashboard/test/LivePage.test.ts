import { addChange, EMPTY, release } from "../src/pages/LivePage";

const row = (number: number) => ({ kind: "status" as const, notification_id: `ntf_${number}`, status: "SENT", occurred_at: number });
const change = (rows: number[], more: object = {}) => ({ rows: rows.map(row), skipped: 0, missed: 0, ...more });
const listTimes = (rows: { occurred_at: number }[]) => rows.map((row) => row.occurred_at);

test("the newest row is the first, and each keeps its number", () => {
  const first = addChange(EMPTY, change([1, 2]), false);
  const second = addChange(first, change([3]), false);
  expect(listTimes(second.rows)).toEqual([3, 2, 1]);
  expect(second.rows.slice(1)).toEqual(first.rows);
  expect(new Set(second.rows.map((row) => row.number)).size).toBe(3);
});

test("numbers stay different when some were left out", () => {
  const view = addChange(addChange(EMPTY, change([1, 2], { skipped: 5 }), false), change([3]), false);
  expect(new Set(view.rows.map((row) => row.number)).size).toBe(3);
  expect(view).toMatchObject({ total: 8, skipped: 5 });
});

test("at most 200 rows are kept", () => {
  const view = addChange(EMPTY, change(Array.from({ length: 700 }, (_, number) => number)), false);
  expect(view.rows.length).toBe(200);
  expect(view.rows[0]!.occurred_at).toBe(699);
});

test("a paused view keeps its rows and what comes", () => {
  const view = addChange(addChange(EMPTY, change([1]), false), change([2, 3], { missed: 4 }), true);
  expect([listTimes(view.rows), listTimes(view.waiting)]).toEqual([[1], [3, 2]]);
  expect(view.missed).toBe(4);
});

test("what has waited comes before what was shown, once", () => {
  const held = addChange(addChange(EMPTY, change([1]), false), change([2, 3]), true);
  const view = release(held);
  expect([listTimes(view.rows), view.waiting]).toEqual([[3, 2, 1], []]);
  expect(release(view).rows).toEqual(view.rows);
});
