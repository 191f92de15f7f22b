import "../machine.css";

import { Progress } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { formatCount } from "../format";
import { AsOf } from "../parts/AsOf";
import { Page } from "../parts/Page";
import { EmptyPanel, SkeletonRows } from "../parts/Panels";
import { PartitionStrip } from "../parts/PartitionStrip";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordTable, type Column } from "../parts/RecordTable";
import { SourceNotes } from "../parts/SourceNotes";
import { StatusBadge } from "../parts/StatusBadge";
import { TableLookup } from "../parts/TableLookup";
import { formatAge, formatBytes, getProgress } from "../pipeline";
import type { TableSearch } from "../searches";
import { useCan } from "../session";
import { usePolled } from "../usePolled";

type Row = Schemas["TableState"] & { partitionCount: number };

const route = getRouteApi("/tables");
const ALL_ROWS = 9, ROLE_ROWS = 2; // of the outline, with the head: what is below stays where it is

/** What workers remember: their tables, and what is in them of one user. */
export function TablesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canLookUp = useCan("users:read");
  const tables = usePolled(["tables"], async (signal) => unwrap(await herold.GET("/v1/tables", { signal })));
  return (
    <Page title="Tables" actions={<AsOf at={tables.data?.read_at} />}>
      <QueryPanel query={tables} outline={<SkeletonRows count={search.role ? ROLE_ROWS : ALL_ROWS} />}>
        {({ items, sources, partition_count: partitionCount }) => (
          <>
            <SourceNotes sources={sources} />
            <Tables rows={items.filter((item) => !search.role || item.role === search.role).map((item) => ({ ...item, partitionCount }))} />
          </>
        )}
      </QueryPanel>
      {canLookUp ? <TableLookup search={search} onChange={(values) => void navigate({ search: values })} /> : null}
    </Page>
  );
}

function Tables({ rows }: { rows: Row[] }) {
  if (!rows.length) return <EmptyPanel title="This role has no table">Clear the filter in the address.</EmptyPanel>;
  return <RecordTable label="tables" rows={rows} columns={COLUMNS} getKey={(row) => `${row.role} ${row.table}`} getLink={toLookup} />;
}

const toLookup = ({ role, table }: Row) => linkOptions({ to: "/tables", search: (before: object) => ({ ...before, table: table as TableSearch["table"], of: table === "attempts" ? role : undefined }) });

const COLUMNS: Column<Row>[] = [
  { title: "Table", width: "8rem", render: (row) => row.table },
  { title: "Role", width: "6.5rem", render: (row) => row.role },
  { title: "Rows", width: "6rem", isNumber: true, render: (row) => (row.workers.length ? <span title="about, as RocksDB estimates">{formatCount(row.row_count)}</span> : "–") },
  { title: "Size", width: "6rem", isNumber: true, render: (row) => (row.workers.length ? formatBytes(row.size_bytes) : "–") },
  { title: "Kept", width: "6rem", isNumber: true, render: (row) => (row.lifetime ? formatAge(row.lifetime) : "until due") },
  { title: "Partitions", width: "7.5rem", render: (row) => <PartitionStrip count={row.partitionCount} assigned={row.partitions} standbys={row.standby_partitions} /> },
  { title: "Standby lag", width: "7.5rem", isNumber: true, render: (row) => (row.standby_partitions.length ? formatCount(row.standby_lag) : "") },
  { title: "State", render: (row) => <State row={row} /> },
];

function State({ row: { recovery, problem } }: { row: Row }) {
  if (!recovery) return problem ? <span title={problem}><StatusBadge status="incomplete" reason={problem} /></span> : <StatusBadge status="complete" />;
  const done = getProgress(recovery);
  return (
    <>
      <StatusBadge status="recovering" reason={`${done} %${recovery.seconds_left ? `, ${formatAge(recovery.seconds_left)} left` : ""}`} />
      <Progress value={done} size="xs" aria-label="recovery" />
    </>
  );
}
