import type { Schemas } from "herold-client";
import { compareChannels, drawLine, fillSteps, sumSeries } from "../src/overview";

type Series = Schemas["SeriesResponse"];
const build = (series: Record<string, number[][]>): Series =>
  ({ metric: "sent", group_by: "channel", from: 600, to: 780, step: 60, as_of: 780, series: Object.entries(series).map(([key, points]) => ({ key, points })) });

test("a step without a count is 0", () => {
  const series = build({ "": [[600, 3], [720, 5]], other: [[720, 1], [9_000, 7]] });
  expect(fillSteps(series)).toEqual([3, 0, 6]);
  expect(sumSeries(build({ "": [[600, 3], [720, 5]] }))).toBe(8);
  expect(fillSteps(build({}))).toEqual([0, 0, 0]);
});

test("the greatest value is at the top of the line", () => {
  expect(drawLine([0, 2, 1], 10, 8)).toBe("0.0,8.0 5.0,0.0 10.0,4.0");
  expect(drawLine([0], 10, 8)).toBe("0.0,8.0");
});

test("success is what was handed over and did not bounce, of all that ended", () => {
  const found = compareChannels(build({ email: [[600, 90]], sms: [[600, 10]] }), build({ email: [[600, 10]], push: [[600, 1]] }), build({ email: [[660, 5]] }));
  expect(found).toEqual([
    { channel: "email", ended: 100, share: 0.85 }, { channel: "sms", ended: 10, share: 1 }, { channel: "push", ended: 1, share: 0 },
  ]);
});
