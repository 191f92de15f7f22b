import "../machine.css";

import { Alert, Progress } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatDuration, formatUtc } from "../format";
import { AsOf } from "../parts/AsOf";
import { Filters } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { PartitionStrip } from "../parts/PartitionStrip";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordTable, type Column } from "../parts/RecordTable";
import { SourceNotes } from "../parts/SourceNotes";
import { StatusBadge } from "../parts/StatusBadge";
import { describeOrdered, formatAge, formatBytes, getProgress } from "../pipeline";
import type { WorkerSearch } from "../searches";
import { ROLES } from "../statuses";
import { usePolled } from "../usePolled";

type Fleet = Schemas["WorkersResponse"];
type Worker = Schemas["WorkerState"];
interface Row {
  role: string;
  worker: Worker | null;
  problem: string;
  now: number;
  partitionCount: number;
}

const route = getRouteApi("/workers");
const SLOW_LOOP = 0.1; // seconds

/** Who works: each worker with its partitions, memory and event loop. */
export function WorkersPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const fleet = usePolled(["workers"], async (signal) => unwrap(await herold.GET("/v1/workers", { signal })));
  return (
    <Page title="Workers" actions={<AsOf at={fleet.data?.read_at} />}>
      <Filters fields={[{ name: "role", label: "Role", values: ROLES }]} values={{ ...search }} onChange={(values) => void navigate({ search: values as WorkerSearch, replace: true })} />
      <QueryPanel query={fleet}>
        {(data) => (
          <>
            <SourceNotes sources={data.sources} />
            <Rebalances fleet={data} />
            <Rows rows={listRows(data, search.role)} />
          </>
        )}
      </QueryPanel>
    </Page>
  );
}

/** The gateway first, then the roles in the order of the pipeline; a role without a worker has a row that says so. */
function listRows({ gateway, roles, read_at: now, partition_count: partitionCount }: Fleet, wanted?: string): Row[] {
  const rows = roles.flatMap(({ role, workers, problem = "" }): Row[] =>
    workers.length ? workers.map((worker) => ({ role, worker, problem, now, partitionCount })) : [{ role, worker: null, problem: problem || "no worker is known", now, partitionCount }],
  );
  const all = [{ role: "gateway", worker: gateway, problem: "", now, partitionCount }, ...rows];
  return wanted ? all.filter((row) => row.role === wanted) : all;
}

function Rows({ rows }: { rows: Row[] }) {
  if (!rows.length) return <EmptyPanel title="No worker matches">Clear the filter.</EmptyPanel>;
  return <RecordTable label="workers" rows={rows} columns={COLUMNS} getKey={(row) => `${row.role} ${row.worker?.worker} ${row.worker?.partitions}`} />;
}

const COLUMNS: Column<Row>[] = [
  { title: "Role", width: "6.5rem", render: (row) => row.role },
  { title: "Worker", render: ({ worker }) => (worker ? <span title={worker.name ? `instance ${worker.name}` : undefined}>{worker.worker}</span> : "none") },
  { title: "Does", width: "15rem", render: (row) => <Activity row={row} /> },
  { title: "Partitions", width: "8rem", render: ({ worker, role, partitionCount }) => (worker && role !== "gateway" ? <PartitionStrip count={partitionCount} assigned={worker.partitions} standbys={worker.standby_partitions} /> : null) },
  { title: "Version", width: "5rem", render: ({ worker }) => worker?.version },
  { title: "Up", width: "5rem", isNumber: true, render: ({ worker, now }) => (worker?.started_at ? <span title={`since ${formatUtc(worker.started_at)}`}>{formatAge(now - worker.started_at)}</span> : "") },
  { title: "Memory", width: "6rem", isNumber: true, render: ({ worker }) => (worker?.memory_bytes ? formatBytes(worker.memory_bytes) : "") },
  { title: "Event loop", width: "7.5rem", isNumber: true, render: ({ worker }) => (worker ? <Loop seconds={worker.loop_lag} /> : null) },
];

function Activity({ row: { worker, problem } }: { row: Row }) {
  if (!worker) return <StatusBadge status="missing" reason={problem} />;
  if (!worker.recovery) return <span title={worker.problem}><StatusBadge status={worker.activity} reason={worker.problem || describeOrdered(worker.ordered_waiting)} /></span>;
  const { recovery } = worker, done = getProgress(recovery);
  return (
    <span title={`${recovery.remaining} of ${recovery.total} changelog records remain`}>
      <StatusBadge status={worker.activity} reason={`${done} %${recovery.seconds_left ? `, ${formatAge(recovery.seconds_left)} left` : ""}`} />
      <Progress value={done} size="xs" aria-label={`recovery of ${worker.worker}`} />
    </span>
  );
}

function Loop({ seconds }: { seconds?: number | null }) {
  if (seconds === null || seconds === undefined) return null;
  return <span className={seconds > SLOW_LOOP ? "tone-bad" : undefined} title="how late the event loop was at worst in the last 10 s">{formatDuration(seconds)} late</span>;
}

function Rebalances({ fleet }: { fleet: Fleet }) {
  const busy = fleet.roles.filter((role) => role.rebalancing_since);
  return (
    <>
      {busy.map((role) => (
        <Alert key={role.role} color="yellow" variant="light" role="status" mb="sm" title={`The partitions of the role ${role.role} are being reassigned`}>
          For {formatAge(fleet.read_at - role.rebalancing_since!)}. What it reads waits until then.
        </Alert>
      ))}
      {fleet.versions.length > 1 ? <Alert color="yellow" variant="light" role="status" mb="sm" title="Several versions run">{fleet.versions.join(" and ")}, as during an upgrade.</Alert> : null}
    </>
  );
}
