// What the overview makes of counts: totals, shares and the points of a small line. Pure.

import type { Schemas } from "herold-client";

type Series = Schemas["SeriesResponse"];
export interface ChannelSuccess {
  channel: string;
  ended: number;
  /** Of what ended, the part that was handed over and did not bounce; null if nothing ended. */
  share: number | null;
}

export const sumSeries = ({ series }: Series): number => series.reduce((sum, one) => sum + sumPoints(one.points), 0);

const sumPoints = (points: number[][]) => points.reduce((sum, [, value = 0]) => sum + value, 0);

/** The values of a series by steps from its beginning to its end; a step without a count is 0. */
export function fillSteps({ from, to, step, series }: Series): number[] {
  const values = Array.from({ length: Math.max(1, Math.ceil((to - from) / step)) }, () => 0);
  for (const { points } of series) {
    for (const [at = 0, value = 0] of points) {
      const index = Math.floor((at - from) / step);
      if (index >= 0 && index < values.length) values[index]! += value;
    }
  }
  return values;
}

/** The points of a line in a box of this size, for SVG; the greatest value is at the top. */
export function drawLine(values: readonly number[], width: number, height: number): string {
  const top = Math.max(1, ...values), step = width / Math.max(1, values.length - 1);
  return values.map((value, index) => `${(index * step).toFixed(1)},${(height - (value / top) * height).toFixed(1)}`).join(" ");
}

/** How the deliveries of each channel ended, the channel with the most first. */
export function compareChannels(sent: Series, failed: Series, bounced: Series): ChannelSuccess[] {
  const count = ({ series }: Series, channel: string) => sumPoints(series.find((one) => one.key === channel)?.points ?? []);
  const channels = [...new Set([sent, failed].flatMap(({ series }) => series.map((one) => one.key)))];
  return channels
    .map((channel) => {
      const handedOver = count(sent, channel), ended = handedOver + count(failed, channel);
      return { channel, ended, share: ended ? Math.max(0, handedOver - count(bounced, channel)) / ended : null };
    })
    .toSorted((one, other) => other.ended - one.ended);
}
