import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { formatCount } from "../format";
import { CHANNELS } from "../statuses";
import { groupByDay, type DayCounts } from "../users";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";

const COLUMNS: Column<DayCounts>[] = [
  { title: "Day (UTC)", width: "8rem", render: (row) => <span className="number">{row.day}</span> },
  ...CHANNELS.map((channel): Column<DayCounts> => ({ title: channel, width: "6rem", isNumber: true, render: (row) => (row.byChannel[channel] ? formatCount(row.byChannel[channel]) : "") })),
  { title: "All", width: "6rem", isNumber: true, render: (row) => formatCount(row.total) },
];

/** How many messages providers accepted for a user, by day and channel. */
export function UserCounts({ id }: { id: string }) {
  const counts = useQuery({
    queryKey: ["user counts", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/users/{user_id}/counts", { params: { path: { user_id: id } }, signal })),
  });
  return (
    <QueryPanel query={counts}>
      {({ first, last, counts }) => counts.length ? (
        <>
          <RecordTable label="messages by day" rows={groupByDay(counts)} columns={[...COLUMNS, buildBar(Math.max(...groupByDay(counts).map((row) => row.total)))]} getKey={(row) => row.day} />
          <Text size="xs" className="dim number" mt="xs">What providers accepted, from {first} to {last}; days without a message are left out.</Text>
        </>
      ) : <EmptyPanel title="No messages">No provider has accepted a message for this user from {first} to {last}.</EmptyPanel>}
    </QueryPanel>
  );
}

const buildBar = (most: number): Column<DayCounts> => ({
  title: "Compared", render: (row) => <span className="count-bar" style={{ width: `${Math.max(1, (100 * row.total) / most)}%` }} aria-hidden />,
});
