import { Checkbox, Group, SegmentedControl, Select } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { choosePeriod, GROUPS, listFilters, listGroups, METRICS, RANGE_NAMES, readStep, STEPS, type Group as GroupBy, type Metric, type Period, type Range } from "../analytics";
import { formatCode, formatTime } from "../format";
import { CohortsPanel } from "../parts/CohortsPanel";
import { Filters, type FilterField } from "../parts/Filters";
import { FunnelPanel } from "../parts/FunnelPanel";
import { LatencyPanel } from "../parts/LatencyPanel";
import { Page } from "../parts/Page";
import { TabBar } from "../parts/TabBar";
import { useNow } from "../parts/TimeText";
import { TrendPanel } from "../parts/TrendPanel";
import { ANALYTICS_TABS, type AnalyticsFilter, type AnalyticsSearch } from "../searches";
import { CHANNELS, PRIORITIES } from "../statuses";

const route = getRouteApi("/analytics");
const FIELDS: Record<string, FilterField> = {
  priority: { name: "priority", label: "Priority", values: PRIORITIES },
  channel: { name: "channel", label: "Channel", values: CHANNELS },
  category: { name: "category", label: "Category" },
  type: { name: "type", label: "Type" },
  template: { name: "template", label: "Template" },
};
const TABS = ANALYTICS_TABS.map((name) => ({ name, label: { trends: "Trends", latency: "Latency", funnel: "Funnel", cohorts: "Cohorts" }[name] }));

/** What was sent and what became of it, over time. */
export function AnalyticsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const now = useNow();
  const tab = search.tab ?? "trends", metric = search.metric ?? "sent", period = choosePeriod(search, now);
  const change = (values: Partial<AnalyticsSearch>) => void navigate({ search: { ...search, ...values }, replace: true });
  const onSelect = (chosen: Period) => void navigate({ search: { ...search, ...asTexts(chosen), range: undefined, step: undefined } });
  const names: readonly string[] = tab === "trends" ? listFilters(metric) : Object.keys(FIELDS);
  const filters = Object.fromEntries(names.map((name) => [name, search[name as keyof AnalyticsSearch]])) as AnalyticsFilter;
  const panel = { period, filters, step: readStep(search.step), onSelect };
  return (
    <Page title="Analytics" actions={<RangeChoice search={search} period={period} onChange={change} />}>
      <TabBar label="analytics" tabs={TABS} value={tab} onChange={(name) => void navigate({ search: { ...search, tab: name } })}>
        {tab === "trends" ? <TrendChoice search={search} metric={metric} onChange={change} /> : null}
        <Filters
          fields={names.flatMap((name) => FIELDS[name] ?? [])} values={{ ...filters }}
          onChange={(values) => change({ ...Object.fromEntries(names.map((name) => [name, undefined])), ...values })}
        />
        {tab === "trends" ? <TrendPanel {...panel} metric={metric} group={chooseGroup(metric, search.group_by)} isCompared={search.compare === "yes"} /> : null}
        {tab === "latency" ? <LatencyPanel {...panel} /> : null}
        {tab === "funnel" ? <FunnelPanel {...panel} /> : null}
        {tab === "cohorts" ? <CohortsPanel {...panel} by={search.by ?? "day"} onChange={(by) => change({ by: by === "week" ? by : undefined })} /> : null}
      </TabBar>
    </Page>
  );
}

const asTexts = ({ from, to }: Period) => ({ from: String(Math.round(from)), to: String(Math.round(to)) });

/** The group of the URL if the metric has it, else none: a metric can be changed without looking at the group. */
const chooseGroup = (metric: Metric, group: GroupBy | undefined): GroupBy => (group && listGroups(metric).includes(group) ? group : "none");

interface ChoiceProps {
  search: AnalyticsSearch;
  onChange: (values: Partial<AnalyticsSearch>) => void;
}

function RangeChoice({ search, period, onChange }: ChoiceProps & { period: Period }) {
  const isOwn = !!search.from;
  return (
    <Group gap="xs">
      {isOwn ? <span className="dim number">{formatTime(period.from)} – {formatTime(period.to)}</span> : null}
      <SegmentedControl
        size="xs" aria-label="time" data={RANGE_NAMES} value={isOwn ? "" : search.range ?? "24h"}
        onChange={(range) => onChange({ range: range as Range, from: undefined, to: undefined, step: undefined })}
      />
    </Group>
  );
}

function TrendChoice({ search, metric, onChange }: ChoiceProps & { metric: Metric }) {
  const groups = listGroups(metric), group = chooseGroup(metric, search.group_by);
  return (
    <Group gap="xs" mb="xs">
      <Select size="xs" w={130} aria-label="Metric" allowDeselect={false} value={metric} data={METRICS} onChange={(value) => onChange({ metric: value as Metric })} />
      <Select
        size="xs" w={150} aria-label="Group by" placeholder="Not grouped" clearable value={group === "none" ? null : group}
        data={GROUPS.filter((name) => groups.includes(name)).map((name) => ({ value: name, label: `by ${formatCode(name)}` }))}
        onChange={(value) => onChange({ group_by: (value ?? undefined) as AnalyticsSearch["group_by"] })}
      />
      <Select
        size="xs" w={130} aria-label="Step" placeholder="Step" clearable value={search.step ?? null}
        data={Object.entries(STEPS).map(([value, name]) => ({ value, label: `by the ${name}` }))}
        onChange={(value) => onChange({ step: (value ?? undefined) as AnalyticsSearch["step"] })}
      />
      <Checkbox
        size="xs" label="Compare with the time before" checked={search.compare === "yes"}
        onChange={(event) => onChange({ compare: event.currentTarget.checked ? "yes" : undefined })}
      />
    </Group>
  );
}
