import { Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useMemo } from "react";
import { buildLatencyLines, findLateStart, listSteps } from "../analytics";
import { herold } from "../api";
import { formatCount, formatDuration, formatShare } from "../format";
import { listTargets, useObjectives } from "../objectives";
import { Chart } from "./Chart";
import { ChartOutline } from "./ChartOutline";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import type { PanelProps } from "./TrendPanel";

type Latency = Schemas["LatencySeries"];

/** How long hand-over took, by priority. */
export function LatencyPanel({ period, filters, step, onSelect }: PanelProps) {
  const latency = useQuery({
    queryKey: ["analytics", "latency", period, filters, step],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/analytics/latency", { params: { query: { ...filters, ...period, step, group_by: "priority" } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const targets = listTargets(useObjectives().data);
  const steps = useMemo(() => (latency.data ? listSteps(latency.data) : []), [latency.data]);
  const lines = useMemo(() => (latency.data ? buildLatencyLines(latency.data.series, steps, "p99") : []), [latency.data, steps]);
  return (
    <QueryPanel query={latency} outline={<ChartOutline />}>
      {(data) => data.series.length ? (
        <>
          <Chart
            title="p99 of hand-over by priority" steps={steps} lines={lines} format={formatDuration} isTotal={false}
            lateFrom={findLateStart(data.as_of, data.step)} onSelect={onSelect}
          />
          <RecordTable label="hand-over by priority" rows={data.series} columns={buildColumns(targets)} getKey={(series) => series.key} />
          <Text size="xs" className="dim" mt="xs">
            From submission, or the release of what was held, until a provider accepted the call. How many were in time is exact; percentiles are linear between the bounds of a histogram. Redrives do not count.
          </Text>
        </>
      ) : <EmptyPanel title="No hand-over in this time">Choose a longer time or clear a filter.</EmptyPanel>}
    </QueryPanel>
  );
}

const count = ({ points }: Latency) => points.reduce((total, point) => total + point.count, 0);
const countWithin = ({ points }: Latency) => points.reduce((total, point) => total + point.within_target, 0);
const findWorst = ({ points }: Latency) => Math.max(...points.map((point) => point.p99));

const buildColumns = (targets: Record<string, number>): Column<Latency>[] => [
  { title: "Priority", render: (series) => series.key },
  { title: "Target", width: "7rem", isNumber: true, render: (series) => formatTarget(targets[series.key]) },
  { title: "Hand-overs", width: "9rem", isNumber: true, render: (series) => formatCount(count(series)) },
  { title: "In time", width: "9rem", isNumber: true, render: (series) => formatCount(countWithin(series)) },
  { title: "Share in time", width: "9rem", isNumber: true, render: (series) => formatShare(countWithin(series) / count(series)) },
  { title: "Worst p99", width: "9rem", isNumber: true, render: (series) => formatDuration(findWorst(series)) },
];

const formatTarget = (seconds: number | undefined) => (seconds === undefined ? "" : formatDuration(seconds));
