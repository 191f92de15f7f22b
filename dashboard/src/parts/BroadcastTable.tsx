import { Progress } from "@mantine/core";
import { linkOptions } from "@tanstack/react-router";
import { findProgress, getBroadcastTone, type Broadcast } from "../broadcasts";
import { formatCount } from "../format";
import { RecordTable, type Column } from "./RecordTable";
import { StatusBadge } from "./StatusBadge";
import { TimeText } from "./TimeText";

const COLUMNS: Column<Broadcast>[] = [
  { title: "Type", render: (row) => row.notification.type },
  { title: "To", render: (row) => row.audience || `${formatCount(row.user_count)} users by name` },
  { title: "State", width: "10rem", render: (row) => <StatusBadge status={row.state} tone={getBroadcastTone(row.state)} /> },
  { title: "Progress", width: "13rem", render: (row) => <RowProgress broadcast={row} /> },
  { title: "Started", width: "9.5rem", render: (row) => <TimeText at={row.started_at ?? row.created_at} isRelative /> },
  { title: "By", width: "9rem", render: (row) => row.created_by },
];

/** Broadcasts, each with how far it is. */
export function BroadcastTable({ rows }: { rows: Broadcast[] }) {
  return <RecordTable label="broadcasts" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/broadcasts/$id", params: { id: row.id } })} />;
}

function RowProgress({ broadcast }: { broadcast: Broadcast }) {
  const progress = findProgress(broadcast);
  return (
    <span className="row-progress">
      <Progress value={progress ?? 0} aria-label="progress" w={60} />
      <span className="number">{formatCount(broadcast.expanded_count)}{broadcast.total_count === null ? "" : ` of ${formatCount(broadcast.total_count)}`}</span>
    </span>
  );
}
