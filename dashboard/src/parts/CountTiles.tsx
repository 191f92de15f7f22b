import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import type { ReactNode } from "react";
import { describeFailure, herold } from "../api";
import { formatCount, formatShare } from "../format";
import { useObjectives } from "../objectives";
import { compareChannels, drawLine, fillSteps, sumSeries } from "../overview";
import { formatAge, formatCompact } from "../pipeline";
import { Tile } from "./OverviewTiles";

type Metric = Schemas["SeriesResponse"]["metric"];
type Group = "none" | "channel";

const HOUR = 3_600, MINUTE = 60;
const REFRESH_MS = 10_000; // counts are those of minutes
const LINE = { width: 220, height: 36 };

/** What was accepted in the last hour, by minutes. */
export function RateTile() {
  const accepted = useCounts("accepted", "none");
  return (
    <Tile title="Accepted in the last hour" to="/analytics" search={{ metric: "accepted", range: "1h" }}>
      <Content query={accepted}>
        {(series) => (
          <>
            <div className="figure">{formatCount(sumSeries(series))}</div>
            <svg viewBox={`0 -2 ${LINE.width} ${LINE.height + 4}`} className="line" aria-hidden="true" preserveAspectRatio="none"><polyline points={drawLine(fillSteps(series), LINE.width, LINE.height)} /></svg>
            <span className="dim number">at most {formatCompact(Math.max(...fillSteps(series)))} in a minute</span>
          </>
        )}
      </Content>
    </Tile>
  );
}

/** How the deliveries of the last hour ended, by channel. */
export function SuccessTile() {
  const sent = useCounts("sent", "channel"), failed = useCounts("failed", "channel"), bounced = useCounts("bounced", "channel");
  return (
    <Tile title="Success by channel" to="/analytics" search={{ group_by: "channel", range: "1h" }}>
      <Content query={sent}>
        {(series) => {
          const channels = failed.data && bounced.data ? compareChannels(series, failed.data, bounced.data) : [];
          return channels.length ? (
            <table>
              <thead><tr><td /><td>ended</td><td>handed over</td></tr></thead>
              <tbody>{channels.map(({ channel, ended, share }) => <tr key={channel}><th scope="row">{channel}</th><td>{formatCompact(ended)}</td><td>{formatShare(share)}</td></tr>)}</tbody>
            </table>
          ) : <span className="dim">Nothing was sent in the last hour.</span>;
        }}
      </Content>
    </Tile>
  );
}

/** How each priority keeps its time until the hand-over. */
export function LatencyTile() {
  const slo = useObjectives();
  return (
    <Tile title="In time, by priority" to="/sla">
      <Content query={slo}>
        {({ priorities, min_count: minCount }) => (
          <table>
            <thead><tr><td /><td>target</td><td>kept</td></tr></thead>
            <tbody>
              {priorities.map(({ priority, target_seconds: target, objective, attained, has_volume: hasVolume, count }) => (
                <tr key={priority} title={`${formatCount(count)} hand-overs; the objective is ${formatShare(objective)}`}>
                  <th scope="row">{priority}</th><td>{formatAge(target)}</td>
                  <td className={attained !== null && attained < objective ? "tone-bad" : undefined}>{hasVolume ? formatShare(attained) : `under ${formatCount(minCount)} sent`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Content>
    </Tile>
  );
}

function useCounts(metric: Metric, group_by: Group) {
  return useQuery({
    queryKey: ["counts", metric, group_by],
    queryFn: async ({ signal }) => {
      const to = Math.ceil(Date.now() / 1000 / MINUTE) * MINUTE;
      return unwrap(await herold.GET("/v1/analytics/series", { params: { query: { metric, group_by, from: to - HOUR, to, step: MINUTE } }, signal }));
    },
    refetchInterval: REFRESH_MS,
  });
}

function Content<Data>({ query, children }: { query: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  return query.error ? <span className="tone-bad">✕ {describeFailure(query.error).title}</span> : null;
}
