import { Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import type { ReactNode } from "react";
import { judgeWait } from "../analytics";
import { herold } from "../api";
import { formatCode, formatDuration } from "../format";
import { listTargets, useObjectives } from "../objectives";
import { getMark } from "../statuses";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { useNow } from "./TimeText";

type Delivery = Schemas["FoundDelivery"];
const LIMIT = 20;

/** The oldest deliveries of the last day that no provider has accepted yet. */
export function WaitingDeliveries() {
  const now = useNow(), targets = listTargets(useObjectives().data);
  const since = Math.floor(now / 3600) * 3600 - 86_400;
  const waiting = useQuery({
    queryKey: ["sla", "waiting", since],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/deliveries", { params: { query: { status: ["PENDING"], order: "oldest", limit: LIMIT, since } }, signal })),
    refetchInterval: 10_000,
  });
  return (
    <>
      <Title order={2} className="section">At risk: waiting for hand-over</Title>
      <QueryPanel query={waiting}>
        {({ items }) => items.length
          ? <RecordTable label="waiting deliveries" rows={items} columns={buildColumns(Math.max(now, Date.now() / 1000), targets)} getKey={(one) => one.id} getLink={(one) => linkOptions({ to: "/notifications/$id", params: { id: one.notification_id }, search: { user_id: one.user_id } })} />
          : <EmptyPanel title="Nothing waits">A delivery comes here when its first attempt did not reach the provider, until another one does or it has failed.</EmptyPanel>}
      </QueryPanel>
    </>
  );
}

function buildColumns(now: number, targets: Record<string, number>): Column<Delivery>[] {
  const withTarget = (one: Delivery, render: (target: number) => ReactNode) => (targets[one.priority] === undefined ? "" : render(targets[one.priority]!));
  return [
    { title: "Priority", width: "7rem", render: (one) => one.priority },
    { title: "Waits for", width: "9rem", isNumber: true, render: (one) => formatDuration(now - one.created_at) },
    { title: "Target", width: "6rem", isNumber: true, render: (one) => withTarget(one, formatDuration) },
    { title: "Promise", width: "13rem", render: (one) => withTarget(one, (target) => <Verdict wait={now - one.created_at} target={target} />) },
    { title: "Channel", width: "7rem", render: (one) => one.channel },
    { title: "Type", render: (one) => one.type },
    { title: "Why", width: "11rem", render: (one) => formatCode(one.reason || one.outcome.toLowerCase()) },
  ];
}

function Verdict({ wait, target }: { wait: number; target: number }) {
  const { tone, word } = judgeWait(wait, target);
  return <span className={`tone-${tone}`}>{getMark({ good: "routed", waiting: "held", bad: "dead" }[tone])} {word}</span>;
}
