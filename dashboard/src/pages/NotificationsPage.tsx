import { Button, Group, Text } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useCallback, useMemo, useState } from "react";
import { herold } from "../api";
import { formatClock, formatCount } from "../format";
import { useLive, type LiveChange } from "../live";
import { DownloadButton } from "../parts/DownloadButton";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { SavedViews } from "../parts/SavedViews";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeRange } from "../parts/TimeRange";
import { TimeText } from "../parts/TimeText";
import { useCan } from "../session";
import { CHANNELS, PRIORITIES, STATES } from "../statuses";
import { isLater } from "../tour";
import { readTimes, type NotificationFilter } from "../searches";

type Notification = Schemas["NotificationResponse"];

const route = getRouteApi("/notifications");
const COUNTED_ROWS = 1_000;
const READ_AGAIN_MS = [500, 1_000, 2_000, 4_000]; // the history is a moment behind the live view, on a busy server seconds
const FIELDS: FilterField[] = [
  { name: "user_id", label: "User" },
  { name: "type", label: "Type" },
  { name: "category", label: "Category" },
  { name: "state", label: "State", values: STATES },
  { name: "reason", label: "Reason" },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "priority", label: "Priority", values: PRIORITIES },
];

const COLUMNS: Column<Notification>[] = [
  { title: "Type", render: (row) => row.type || "no type" },
  { title: "Created", width: "9.5rem", render: (row) => (row.created_at ? <TimeText at={row.created_at} isRelative /> : "") },
  { title: "User", render: (row) => row.user_id },
  { title: "State", render: (row) => <StatusBadge status={row.state} reason={row.reason} /> },
  { title: "Deliveries", render: (row) => row.deliveries?.map((delivery) => `${delivery.channel} ${delivery.status}`).join(", ") },
  { title: "Priority", width: "6rem", render: (row) => row.priority },
];

/** The notifications, newest first, by filters that are in the URL. */
export function NotificationsPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const list = usePagedList(["notifications", filter], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/notifications", { params: { query: { ...filter, ...readTimes(filter), cursor } }, signal })),
  );
  const isFiltered = Object.values(filter).some(Boolean);
  const open = (search: Record<string, string>) => void navigate({ search: search as NotificationFilter });
  const change = (values: NotificationFilter) => void navigate({ search: values, replace: true });
  const actions = (
    <>
      <NewRows filter={filter} rows={list.rows} seen={list.dataUpdatedAt} onShow={async () => listIds(await list.refetch())} />
      <DownloadButton label="Export CSV" fileName="notifications.csv" fetchText={() => fetchCsv(filter)} />
      <SavedViews page="notifications" search={filter} onOpen={open} />
    </>
  );
  return (
    <Page title="Notifications" actions={actions}>
      <Group gap="0 0.6rem" align="flex-start">
        <Filters fields={FIELDS} values={{ ...filter }} isFiltered={isFiltered} onChange={(values) => change(values as NotificationFilter)} />
        <TimeRange values={filter} onChange={(range) => change({ ...filter, ...range })} />
      </Group>
      <RecordList list={list} isFiltered={isFiltered} empty={EMPTY} noMatch={<NoMatch what="notification" wholes="A type, user or reason" />}>
        {(rows) => <RecordTable label="notifications" rows={rows} columns={COLUMNS} getKey={(row) => `${row.id} ${row.user_id}`} getLink={toLink} />}
      </RecordList>
    </Page>
  );
}

const fetchCsv = async (filter: NotificationFilter) =>
  unwrap(await herold.GET("/v1/notifications/export", { params: { query: { ...filter, ...readTimes(filter) } }, parseAs: "text" })) as unknown as string;

const toLink = (row: Notification) => linkOptions({ to: "/notifications/$id", params: { id: row.id }, search: { user_id: row.user_id } });

const EMPTY = (
  <EmptyPanel title="No notifications yet">Send one by <code>herold send</code> or <code>POST /v1/notifications</code>: it appears here within a second.</EmptyPanel>
);

interface NewRowsProps {
  filter: NotificationFilter;
  rows: Notification[];
  seen: number;
  /** Reads the list again: the ids in it, newest first, or undefined if it could not be read. */
  onShow: () => Promise<readonly string[] | undefined>;
}

function NewRows({ filter, rows, seen, onShow }: NewRowsProps) {
  const canWatch = useCan("live:read") && !filter.channel && !filter.reason && !filter.until; // a decision has neither of the first two, and what is new is not before a time
  return canWatch
    ? <NewRowCount key={JSON.stringify(filter)} filter={filter} rows={rows} seen={seen} onShow={onShow} />
    : <Button size="xs" variant="default" onClick={() => void onShow()}>Refresh</Button>;
}

// rows never move by themselves: what is not in the list is counted, and shown on request
export function NewRowCount({ filter, rows, seen, onShow }: NewRowsProps) {
  const [arrived, setArrived] = useState<readonly string[]>([]);
  const add = useCallback((change: LiveChange) => {
    setArrived((ids) => [...new Set([...ids, ...change.rows.map((row) => row.notification_id)])].slice(-COUNTED_ROWS));
  }, []);
  const state = useLive(toLiveFilter(filter), add);
  const known = useMemo(() => new Set(rows.map((row) => row.id)), [rows]);
  const count = arrived.filter((id) => !known.has(id)).length;
  const show = async () => {
    const before = new Set(arrived);
    for (const wait of [...READ_AGAIN_MS, 0]) {
      const listed = await onShow();
      if (!listed) return;
      if (!wait || [...before].every((id) => isListed(id, listed))) break;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    setArrived((ids) => ids.filter((id) => !before.has(id))); // what comes meanwhile may not be in the list
  };
  if (count) return <Button size="xs" variant="light" onClick={() => void show()}>{formatCount(count)}{count === COUNTED_ROWS ? " or more" : ""} new</Button>;
  return seen ? <Text size="xs" className="dim number">as of {formatClock(seen / 1000)}{state === "live" ? ", watching for new ones" : ""}</Text> : null;
}

const listIds = ({ isSuccess, data }: { isSuccess: boolean; data?: { pages: { items: Notification[] }[] } }) =>
  isSuccess ? data?.pages.flatMap((page) => page.items.map((item) => item.id)) : undefined;

// or it is older than the pages that are loaded
const isListed = (id: string, listed: readonly string[]) => listed.includes(id) || (listed.length > 0 && isLater(listed.at(-1)!, id));

const toLiveFilter = (filter: NotificationFilter) => ({
  kinds: ["decided"],
  ...(filter.state ? { statuses: [filter.state] } : {}),
  ...(filter.type ? { types: [filter.type] } : {}),
  ...(filter.category ? { categories: [filter.category] } : {}),
  ...(filter.priority ? { priorities: [filter.priority] } : {}),
  ...(filter.user_id ? { user_id: filter.user_id } : {}),
});
