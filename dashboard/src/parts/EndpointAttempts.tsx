import { Group, SegmentedControl, Text, Title } from "@mantine/core";
import { Link, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useEffect, useState } from "react";
import { herold } from "../api";
import { describeAttempt, wasCalled } from "../endpointAttempts";
import { formatCount, formatDuration } from "../format";
import { useCan } from "../session";
import { useStatistics } from "./EndpointCalls";
import { EmptyPanel } from "./Panels";
import { RecordList, usePagedList, type PagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { StatusBadge } from "./StatusBadge";
import { TimeText } from "./TimeText";

type Attempt = Schemas["EndpointAttempt"];

const COLUMNS: Column<Attempt>[] = [
  { title: "Time", width: "9.5rem", render: (row) => <TimeText at={row.occurred_at} isRelative /> },
  { title: "Status", width: "8rem", render: (row) => <StatusBadge status={row.status} /> },
  { title: "Code", width: "4rem", isNumber: true, render: (row) => row.code || "–" },
  { title: "Reason", render: (row) => { const text = describeAttempt(row); return <span title={text}>{text}</span>; } },
  { title: "Attempt", width: "5rem", isNumber: true, render: (row) => formatCount(row.attempt + 1) },
  { title: "Duration", width: "5.5rem", isNumber: true, render: (row) => (row.duration_ms ? formatDuration(row.duration_ms / 1000) : "") },
  { title: "Notification", width: "13rem", render: (row) => (row.notification_id ? row.type : <span className="dim">none: a test, or a status</span>) },
];

/** The last attempts at an endpoint, the newest first; nothing while it was not called, of which the page says more elsewhere. */
export function EndpointAttempts({ endpoint }: { endpoint: Schemas["WebhookEndpoint"] }) {
  const { id, user_id: userId } = endpoint;
  const canRead = useCan("notifications:read");
  const { data: statistics } = useStatistics(id);
  if (!statistics || !wasCalled(statistics)) return null;
  return (
    <section aria-label="last attempts">
      <Attempts key={id} id={id} calls={statistics.succeeded + statistics.failed} canRead={canRead} />
      {userId && canRead ? <Text size="sm" mt="sm"><Link className="text-link" to="/notifications" search={{ user_id: userId, channel: "webhook" }}>All notifications for {userId} with webhooks</Link></Text> : null}
    </section>
  );
}

function Attempts({ id, calls, canRead }: { id: string; calls: number; canRead: boolean }) {
  const [shown, setShown] = useState("all");
  const failed = shown === "failed";
  const list = usePagedList(["endpoint attempts", id, shown], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/webhook-endpoints/{endpoint_id}/attempts", { params: { path: { endpoint_id: id }, query: { failed, limit: 20, cursor } }, signal })),
  );
  useRenewal(list, calls);
  return (
    <>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Last attempts</Title>
        <SegmentedControl size="xs" aria-label="which attempts" data={[{ value: "all", label: "All" }, { value: "failed", label: "Failed" }]} value={shown} onChange={setShown} />
      </Group>
      <RecordList list={list} isFiltered={failed} noMatch={<EmptyPanel title="None has failed">All attempts that are listed were answered with 2xx.</EmptyPanel>} empty={<NotListed />}>
        {(rows) => <RecordTable label="attempts" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => (canRead ? getLink(row) : undefined)} />}
      </RecordList>
    </>
  );
}

const getLink = ({ notification_id: id, user_id }: Attempt) => (id ? linkOptions({ to: "/notifications/$id", params: { id }, search: { user_id } }) : undefined);

/** It was called, before Herold noted which endpoint an attempt went to, or longer ago than the history is kept. */
function NotListed() {
  return <EmptyPanel title="No attempt is listed">Its calls were counted, but the history has none of them: they are older than what is kept, or of before an upgrade to a version with this list.</EmptyPanel>;
}

/** Read the first page again when there were calls; who looks at older ones keeps what is there. */
function useRenewal(list: PagedList<Attempt>, calls: number) {
  const [seen, setSeen] = useState(calls);
  const { refetch, data } = list, isFirstPage = data?.pages.length === 1;
  useEffect(() => {
    if (seen === calls || !isFirstPage) return;
    setSeen(calls);
    void refetch();
  }, [calls, seen, isFirstPage, refetch]);
}
