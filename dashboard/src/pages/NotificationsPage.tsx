import { Button, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useCallback, useState } from "react";
import { herold } from "../api";
import { formatCount } from "../format";
import { useLive } from "../live";
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
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const open = (row: number) => void navigate({ to: "/notifications/$id", params: { id: rows[row]!.id } });
  const { row, container } = useRowKeys(rows.length, open);
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <Page title="Notifications" actions={<NewRows filter={filter} seen={list.dataUpdatedAt} onShow={() => void list.refetch()} />}>
      <Filters fields={FIELDS} values={{ ...filter }} onChange={(values) => void navigate({ search: values as NotificationFilter, replace: true })} />
      {list.error ? <FailurePanel error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <SkeletonRows /> : null}
      {list.data && !rows.length ? <NoRows isFiltered={isFiltered} /> : null}
      {rows.length ? <Rows rows={rows} selected={row} container={container} /> : null}
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
      unwrap(await herold.GET("/v1/notifications", { params: { query: { ...filter, cursor: pageParam } as never }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

function Rows({ rows, selected, container }: { rows: Notification[]; selected: number; container: React.RefObject<HTMLDivElement | null> }) {
  return (
    <div className="list" ref={container} tabIndex={0} role="region" aria-label="notifications">
      <table>
        <thead>
          <tr><th style={{ width: "9.5rem" }}>Created</th><th>Type</th><th>User</th><th>State</th><th>Deliveries</th><th style={{ width: "6rem" }}>Priority</th></tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={row.id} data-row={number} data-selected={number === selected || undefined} aria-selected={number === selected}>
              <Cell id={row.id}>{row.created_at ? <TimeText at={row.created_at} isRelative /> : ""}</Cell>
              <Cell id={row.id} isFirst>{row.type || "no type"}</Cell>
              <Cell id={row.id}>{row.user_id}</Cell>
              <Cell id={row.id}><StatusBadge status={row.state} reason={row.reason} /></Cell>
              <Cell id={row.id}>{row.deliveries?.map((delivery) => `${delivery.channel} ${delivery.status}`).join(", ")}</Cell>
              <Cell id={row.id}>{row.priority}</Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// each cell is a link, so that a middle click and "copy link" work; one of a row is in the order of Tab
function Cell({ id, isFirst = false, children }: { id: string; isFirst?: boolean; children: React.ReactNode }) {
  return <td>{children ? <Link to="/notifications/$id" params={{ id }} tabIndex={isFirst ? undefined : -1}>{children}</Link> : null}</td>;
}

function NoRows({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered
    ? <EmptyPanel title="No notification matches">Clear a filter. A type, user or reason has to be written as a whole.</EmptyPanel>
    : <EmptyPanel title="No notifications yet">Send one by <code>herold send</code> or <code>POST /v1/notifications</code>: it appears here within a second.</EmptyPanel>;
}

function NewRows({ filter, seen, onShow }: { filter: NotificationFilter; seen: number; onShow: () => void }) {
  const canWatch = usePerson().permissions.includes("live:read");
  return canWatch ? <NewRowCount key={seen} filter={filter} onShow={onShow} /> : <Button size="xs" variant="default" onClick={onShow}>Refresh</Button>;
}

// rows never move by themselves: what is new is counted, and shown on request
function NewRowCount({ filter, onShow }: { filter: NotificationFilter; onShow: () => void }) {
  const [count, setCount] = useState(0);
  const add = useCallback(({ rows, skipped, missed }: { rows: unknown[]; skipped: number; missed: number }) => {
    setCount((count) => count + rows.length + skipped + missed);
  }, []);
  useLive(toLiveFilter(filter), add);
  if (!count) return <Text size="xs" className="dim" aria-live="polite">up to date</Text>;
  return <Button size="xs" variant="light" onClick={onShow}><span aria-live="polite">{formatCount(count)} new</span></Button>;
}

const toLiveFilter = (filter: NotificationFilter) => ({
  kinds: ["decided"],
  ...(filter.type ? { types: [filter.type] } : {}),
  ...(filter.category ? { categories: [filter.category] } : {}),
  ...(filter.priority ? { priorities: [filter.priority] } : {}),
  ...(filter.user_id ? { user_id: filter.user_id } : {}),
});
