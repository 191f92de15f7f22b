import { Alert, Button, Group, Select, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useEffect, useState } from "react";
import { herold } from "../api";
import { formatCode, formatCount } from "../format";
import { listFieldProblems } from "../fieldErrors";
import { classifyChange, cleanRule, describeEnd, describeResult, describeSkipped, type Rule } from "../rules";
import { EmptyPanel, FailurePanel, SkeletonRows } from "./Panels";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Report = Schemas["TypeSimulationReport"];
type Change = Schemas["SimulatedChange"];

const route = getRouteApi("/rules/$type");
const COUNTS = ["100", "500", "1000", "2000"] as const;

/** What the draft would have decided about the newest notifications of its type. */
export function RuleSimulation({ type, rule, isDraft }: { type: string; rule: Rule; isDraft: boolean }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const count = search.count ?? "500";
  const body = JSON.stringify({ rule: cleanRule(rule), count: Number(count) });
  const [asked, setAsked] = useState<string>();
  const simulation = useQuery({
    queryKey: ["rule simulation", type, asked],
    queryFn: async ({ signal }) => unwrap(await herold.POST("/v1/rules/{rule_type}/simulate", { params: { path: { rule_type: type } }, body: JSON.parse(asked ?? body) as Schemas["RuleSimulationRequest"], signal })),
    enabled: asked !== undefined,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  useEffect(() => {
    if (isDraft) setAsked(body); // a draft that is looked at here is tried at once
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const start = () => (asked === body ? void simulation.refetch() : setAsked(body));
  const problems = listFieldProblems(simulation.error, "rule");
  return (
    <Stack gap="md">
      <Group align="flex-end" gap="xs">
        <Select size="xs" w={250} label="Newest notifications of this type" data={[...COUNTS]} value={count} allowDeselect={false} onChange={(value) => void navigate({ search: { ...search, count: (value ?? undefined) as typeof search.count }, replace: true })} />
        <Button size="xs" loading={simulation.isFetching} onClick={start}>{simulation.data ? "Simulate again" : "Simulate"}</Button>
        {simulation.data && asked !== body ? <Text size="sm" className="dim">What is shown is of what you wrote before.</Text> : null}
      </Group>
      {problems.length ? (
        <Alert role="alert" color="red" variant="light" title="The draft cannot be tried, because it is not valid">{problems.map((one) => <div key={one.field + one.text}><b>{one.field}</b>: {one.text}</div>)}</Alert>
      ) : simulation.error ? <FailurePanel error={simulation.error} onRetry={start} /> : null}
      {asked !== undefined && simulation.isPending && !simulation.error ? <SkeletonRows count={6} /> : null}
      {simulation.data && !simulation.error ? <ReportView report={simulation.data} /> : null}
      {asked === undefined ? (
        <EmptyPanel title={isDraft ? "Nothing was tried yet" : "There is no draft"}>
          {isDraft ? "Simulate: nothing is sent." : "What is written in Fields or JSON is tried here on recent notifications before it is saved. Nothing is sent."}
        </EmptyPanel>
      ) : null}
    </Stack>
  );
}

const COLUMNS: Column<Change>[] = [
  { title: "Count", width: "5rem", isNumber: true, render: (row) => formatCount(row.count) },
  { title: "Change", width: "10rem", render: (row) => classifyChange(row.before, row.after) },
  { title: "Rule in force", render: (row) => <span title={describeResult(row.before)}>{describeResult(row.before)}</span> },
  { title: "Draft", render: (row) => <span title={describeResult(row.after)}>{describeResult(row.after)}</span> },
  { title: "Examples", width: "11rem", isAction: true, render: (row) => <Group gap={8} component="span" wrap="nowrap">{row.examples.map((id, index) => <Link key={id} className="link" to="/notifications/$id" params={{ id }} aria-label={`example ${index + 1}: ${id}`}>open {index + 1}</Link>)}</Group> },
];

function ReportView({ report }: { report: Report }) {
  const { simulated, changed, changes, other_changes, skipped, stops, channels, since, until, end } = report;
  const left = describeSkipped(skipped);
  if (!simulated) {
    return <EmptyPanel title="No notification of this type can be tried">{describeEnd(end)}{left.length ? ` Left out: ${left.join("; ")}.` : ""}</EmptyPanel>;
  }
  return (
    <Stack gap="md">
      <Alert role="note" variant="light" color={changed ? "yellow" : "green"} title={changed ? `${formatCount(changed)} of ${formatCount(simulated)} notifications would be decided otherwise` : `All ${formatCount(simulated)} notifications would be decided as now`}>
        <div>Since <TimeText at={since} />; as of <TimeText at={until} />. {describeEnd(end)}</div>
        {left.length ? <div>Left out: {left.join("; ")}.</div> : null}
      </Alert>
      {changes.length ? <RecordTable label="changes" rows={changes} columns={COLUMNS} getKey={(row) => describeResult(row.before) + describeResult(row.after)} /> : null}
      {other_changes ? <Text size="sm">and {formatCount(other_changes)} notifications with rarer changes.</Text> : null}
      <div className="halves">
        <Counts title="Deliveries" first="Channel" rows={Object.entries(channels).map(([name, one]) => [name, one.before, one.after])} />
        <Counts title="Not sent, or later" first="Gate" rows={stops.map((one) => [`${formatCode(one.gate)}: ${formatCode(one.reason)}`, one.before, one.after])} />
      </div>
      <Text size="xs" className="dim">
        Each is judged at the time of its record, with the profile and preferences that its user has now. Rate limits and idempotency keys begin empty, and count this type only. Of an escalation the first channel is counted; what joins a digest is merged.
      </Text>
    </Stack>
  );
}

function Counts({ title, first, rows }: { title: string; first: string; rows: [string, number, number][] }) {
  return (
    <section>
      <Title order={2} mb="xs">{title}</Title>
      {rows.length ? (
        <div className="list" tabIndex={0} role="region" aria-label={title}>
          <table style={{ minWidth: "16rem" }}>
            <thead><tr><th>{first}</th><th className="amount" style={{ width: "6rem" }}>In force</th><th className="amount" style={{ width: "6rem" }}>Draft</th></tr></thead>
            <tbody>
              {rows.map(([name, before, after]) => (
                <tr key={name}>
                  <td><span className="cell" title={name}>{name}</span></td><td className="number amount"><span className="cell">{formatCount(before)}</span></td>
                  <td className="number amount"><span className="cell">{before === after ? formatCount(after) : <b>{formatCount(after)}</b>}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : <Text size="sm" className="dim">None.</Text>}
    </section>
  );
}
