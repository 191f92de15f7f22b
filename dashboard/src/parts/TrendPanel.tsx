import { Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useMemo } from "react";
import { buildLines, buildListFilter, DEFINITIONS, findLateStart, formatAmount, formatChange, getPrevious, listSteps, sum, type Group, type Line, type Metric, type Period, type Step } from "../analytics";
import { herold } from "../api";
import { formatCode } from "../format";
import type { AnalyticsFilter } from "../searches";
import { Chart } from "./Chart";
import { ChartOutline } from "./ChartOutline";
import { DownloadButton } from "./DownloadButton";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";

export interface PanelProps {
  period: Period;
  filters: AnalyticsFilter;
  step?: Step;
  onSelect: (period: Period) => void;
}
interface TrendPanelProps extends PanelProps {
  metric: Metric;
  group: Group;
  isCompared: boolean;
}

/** One metric over time, by one dimension, beside the time before. */
export function TrendPanel({ period, filters, step, onSelect, metric, group, isCompared }: TrendPanelProps) {
  const query = { ...filters, metric, group_by: group, step };
  const trend = useSeries({ ...query, ...period }, true);
  const before = useSeries({ ...query, ...getPrevious(period), step: trend.data?.step }, isCompared && !!trend.data);
  const lines = useMemo(() => {
    if (!trend.data) return [];
    const steps = listSteps(trend.data), current = buildLines(trend.data.series, steps, group);
    const shift = before.data ? trend.data.from - before.data.from : 0;
    const earlier = isCompared && before.data ? buildLines(before.data.series, steps, group, shift) : [];
    return [...current, ...earlier.map((line) => ({ ...line, label: `${line.label}, before` }))];
  }, [trend.data, before.data, group, isCompared]);
  const steps = useMemo(() => (trend.data ? listSteps(trend.data) : []), [trend.data]);
  return (
    <QueryPanel query={trend} outline={<ChartOutline />}>
      {(data) => {
        const total = sum(lines.filter((line) => !line.isDashed).flatMap((line) => line.values));
        const earlier = sum(lines.filter((line) => line.isDashed).flatMap((line) => line.values));
        return (
          <>
            <div className="totals">
              <span className="total number">{formatAmount(total)}</span>
              <span>{formatCode(metric)}</span>
              {isCompared && before.data ? <span className="dim number">{formatAmount(earlier)} before {formatChange(total, earlier)}</span> : null}
              <Text size="xs" className="dim">as of <TimeText at={data.as_of} /></Text>
              <ExportButton query={{ ...query, ...period }} />
            </div>
            {data.series.length || (isCompared && lines.length)
              ? <Chart
                title={`${formatCode(metric)}${group === "none" ? "" : ` by ${group}`}`} steps={steps} lines={lines} format={formatAmount}
                lateFrom={findLateStart(data.as_of, data.step)} onSelect={onSelect}
                renderName={(line) => <LineName line={line} group={group} period={period} />}
              />
              : <EmptyPanel title="Nothing in this time">Choose a longer time or clear a filter. What is sent now is here after a second or two.</EmptyPanel>}
            <Text size="xs" className="dim">{DEFINITIONS[metric]} By the time of submission, as it is now; hatched steps are still filling.</Text>
          </>
        );
      }}
    </QueryPanel>
  );
}

type SeriesQuery = AnalyticsFilter & Period & { metric: Metric; group_by: Group; step?: Step };

function useSeries(query: SeriesQuery, enabled: boolean) {
  return useQuery({
    queryKey: ["analytics", "series", query],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/analytics/series", { params: { query }, signal })),
    placeholderData: keepPreviousData, // the chart stays while the next one comes
    refetchInterval: 30_000,
    enabled,
  });
}

function LineName({ line, group, period }: { line: Line; group: Group; period: Period }) {
  const filter = line.isDashed ? undefined : buildListFilter(group, line.key, period);
  return filter ? <Link to="/notifications" search={filter} title="show these notifications">{line.label}</Link> : <span title={line.label}>{line.label}</span>;
}

function ExportButton({ query }: { query: SeriesQuery }) {
  const fetchText = async () => unwrap(await herold.GET("/v1/analytics/series/export", { params: { query }, parseAs: "text" })) as unknown as string;
  return <DownloadButton size="compact-xs" label="Export CSV" fileName={`${query.metric}.csv`} fetchText={fetchText} />;
}
