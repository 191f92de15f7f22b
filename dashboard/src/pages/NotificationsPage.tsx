import { Button, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useCallback, useMemo, useState } from "react";
import { herold } from "../api";
import { formatClock, formatCount } from "../format";
import { useLive, type LiveChange } from "../live";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel, FailurePanel, SkeletonRows } from "../parts/Panels";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeText } from "../parts/TimeText";
import { useRowKeys } from "../parts/useRowKeys";
import { usePerson } from "../session";
import { CHANNELS, PRIORITIES, STATES } from "../statuses";
import type { NotificationFilter } from "../searches";

type Notification = Schemas["NotificationResponse"];

const route = getRouteApi("/notifications");
const COUNTED_ROWS = 1_000;
const FIELDS: FilterField[] = [
  { name: "user_id", label: "User" },
  { name: "type", label: "Type" },
  { name: "category", label: "Category" },
  { name: "state", label: "State", values: STATES },
  { name: "reason", label: "Reason" },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "priority", label: "Priority", values: PRIORITIES },
];

/** The notifications, newest first, by filters that are in the URL. */
export function NotificationsPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const list = useNotifications(filter);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const container = useRowKeys();
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <Page title="Notifications" actions={<NewRows filter={filter} rows={rows} seen={list.dataUpdatedAt} onShow={() => void list.refetch()} />}>
      <Filters fields={FIELDS} values={{ ...filter }} onChange={(values) => void navigate({ search: values as NotificationFilter, replace: true })} />
      {list.error ? <FailurePanel error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <SkeletonRows /> : null}
      {list.data && !rows.length ? <NoRows isFiltered={isFiltered} /> : null}
      {rows.length ? <Rows rows={rows} container={container} /> : null}
      {list.hasNextPage ? (
        <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show older</Button>
      ) : null}
    </Page>
  );
}

function useNotifications(filter: NotificationFilter) {
  return useInfiniteQuery({
    queryKey: ["notifications", filter],
    queryFn: async ({ pageParam, signal }) =>
      unwrap(await herold.GET("/v1/notifications", { params: { query: { ...filter, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 60_000, // who comes back finds the list as it was
    refetchOnWindowFocus: false, // rows do not move by themselves
  });
}

function Rows({ rows, container }: { rows: Notification[]; container: React.RefObject<HTMLDivElement | null> }) {
  return (
    <div className="list" ref={container} tabIndex={0} role="region" aria-label="notifications">
      <table>
        <thead>
          <tr><th style={{ width: "9.5rem" }}>Created</th><th>Type</th><th>User</th><th>State</th><th>Deliveries</th><th style={{ width: "6rem" }}>Priority</th></tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.id} ${row.user_id}`} data-row>
              <Cell row={row}>{row.created_at ? <TimeText at={row.created_at} isRelative /> : ""}</Cell>
              <Cell row={row} isFirst>{row.type || "no type"}</Cell>
              <Cell row={row}>{row.user_id}</Cell>
              <Cell row={row}><StatusBadge status={row.state} reason={row.reason} /></Cell>
              <Cell row={row}>{row.deliveries?.map((delivery) => `${delivery.channel} ${delivery.status}`).join(", ")}</Cell>
              <Cell row={row}>{row.priority}</Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// each cell is a link, so that a middle click and "copy link" work; one of a row is in the order of Tab
function Cell({ row, isFirst = false, children }: { row: Notification; isFirst?: boolean; children: React.ReactNode }) {
  if (!children) return <td />;
  return <td><Link to="/notifications/$id" params={{ id: row.id }} search={{ user_id: row.user_id }} tabIndex={isFirst ? undefined : -1}>{children}</Link></td>;
}

function NoRows({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered
    ? <EmptyPanel title="No notification matches">Clear a filter. A type, user or reason has to be written as a whole.</EmptyPanel>
    : <EmptyPanel title="No notifications yet">Send one by <code>herold send</code> or <code>POST /v1/notifications</code>: it appears here within a second.</EmptyPanel>;
}

function NewRows({ filter, rows, seen, onShow }: { filter: NotificationFilter; rows: Notification[]; seen: number; onShow: () => void }) {
  const canWatch = usePerson().permissions.includes("live:read") && !filter.channel && !filter.reason; // a decision has neither
  return canWatch
    ? <NewRowCount filter={filter} rows={rows} seen={seen} onShow={onShow} />
    : <Button size="xs" variant="default" onClick={onShow}>Refresh</Button>;
}

// rows never move by themselves: what is not in the list is counted, and shown on request
function NewRowCount({ filter, rows, seen, onShow }: { filter: NotificationFilter; rows: Notification[]; seen: number; onShow: () => void }) {
  const [arrived, setArrived] = useState<readonly string[]>([]);
  const add = useCallback((change: LiveChange) => {
    setArrived((ids) => [...new Set([...ids, ...change.rows.map((row) => row.notification_id)])].slice(-COUNTED_ROWS));
  }, []);
  const state = useLive(toLiveFilter(filter), add);
  const known = useMemo(() => new Set(rows.map((row) => row.id)), [rows]);
  const count = arrived.filter((id) => !known.has(id)).length;
  if (count) return <Button size="xs" variant="light" onClick={onShow}>{formatCount(count)}{count === COUNTED_ROWS ? " or more" : ""} new</Button>;
  return seen ? <Text size="xs" className="dim number">as of {formatClock(seen / 1000)}{state === "live" ? ", watching for new ones" : ""}</Text> : null;
}

const toLiveFilter = (filter: NotificationFilter) => ({
  kinds: ["decided"],
  ...(filter.state ? { statuses: [filter.state] } : {}),
  ...(filter.type ? { types: [filter.type] } : {}),
  ...(filter.category ? { categories: [filter.category] } : {}),
  ...(filter.priority ? { priorities: [filter.priority] } : {}),
  ...(filter.user_id ? { user_id: filter.user_id } : {}),
});
