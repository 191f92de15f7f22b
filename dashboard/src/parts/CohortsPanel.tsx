import { SegmentedControl, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCount, formatDay, formatShare } from "../format";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import type { PanelProps } from "./TrendPanel";

type Cohort = Schemas["Cohort"];

interface CohortsPanelProps extends Pick<PanelProps, "period" | "filters"> {
  by: "day" | "week";
  onChange: (by: "day" | "week") => void;
}

/** Engagement by the day or week of submission. */
export function CohortsPanel({ period, filters, by, onChange }: CohortsPanelProps) {
  const cohorts = useQuery({
    queryKey: ["analytics", "cohorts", period, filters, by],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/analytics/cohorts", { params: { query: { ...filters, ...period, by } }, signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <SegmentedControl size="xs" mb="sm" aria-label="length of a cohort" data={[{ value: "day", label: "by day" }, { value: "week", label: "by week" }]} value={by} onChange={(value) => onChange(value as "day" | "week")} />
      <QueryPanel query={cohorts}>
        {(data) => data.cohorts.length
          ? <RecordTable label="cohorts" rows={data.cohorts.toReversed()} columns={COLUMNS} getKey={(cohort) => String(cohort.at)} />
          : <EmptyPanel title="Nothing in this time">Choose a longer time or clear a filter.</EmptyPanel>}
      </QueryPanel>
      <Text size="xs" className="dim" mt="xs">Messages by the day (UTC) on which they were submitted, and what became of them until now: a click of today counts for the day of its message. Shares are of what was sent, clicks too.</Text>
    </>
  );
}

const share = (count: number, cohort: Cohort) => count && cohort.sent ? `${formatCount(count)} · ${formatShare(count / cohort.sent)}` : formatCount(count);
const COLUMNS: Column<Cohort>[] = [
  { title: "From", width: "9rem", render: (cohort) => formatDay(cohort.at) },
  { title: "Accepted", isNumber: true, render: (cohort) => formatCount(cohort.accepted) },
  { title: "Sent", isNumber: true, render: (cohort) => formatCount(cohort.sent) },
  { title: "Delivered", isNumber: true, render: (cohort) => share(cohort.delivered, cohort) },
  { title: "Bounced", isNumber: true, render: (cohort) => share(cohort.bounced, cohort) },
  { title: "Unsubscribed", isNumber: true, render: (cohort) => share(cohort.unsubscribed, cohort) },
  { title: "Opened", isNumber: true, render: (cohort) => share(cohort.opened, cohort) },
  { title: "Clicked", isNumber: true, render: (cohort) => share(cohort.clicked, cohort) },
];
