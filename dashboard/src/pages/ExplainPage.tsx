import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useEffect, useRef, useState } from "react";
import { herold } from "../api";
import { DryRunForm } from "../parts/DryRunForm";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { StatusBadge } from "../parts/StatusBadge";
import { TabBar } from "../parts/TabBar";
import { TimeText } from "../parts/TimeText";
import { UserField } from "../parts/UserField";
import type { ExplainSearch } from "../searches";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";

type Notification = Schemas["NotificationResponse"];

const route = getRouteApi("/explain");
const PAUSE_MS = 250;
const ROWS = 10; // each is explained by a request of its own
const FIELDS: FilterField[] = [{ name: "type", label: "Type" }, { name: "category", label: "Category" }, { name: "channel", label: "Channel", values: CHANNELS }];
const TABS = [{ name: "happened", label: "What happened" }, { name: "try", label: "What would happen now" }] as const;
const COLUMNS: Column<Notification>[] = [
  { title: "State", width: "8rem", render: (row) => <StatusBadge status={row.state} /> },
  { title: "Why", render: (row) => <Verdict notification={row} /> },
  { title: "Type", width: "11rem", render: (row) => row.type || "no type" },
  { title: "Created", width: "9.5rem", render: (row) => (row.created_at ? <TimeText at={row.created_at} isRelative /> : "") },
];

/** Why did a user (not) get something? What happened to each notification, in a sentence; and what would happen to another one. */
export function ExplainPage() {
  const search = route.useSearch(), navigate = route.useNavigate();
  const { user_id = "", tab = "happened", ...filter } = search;
  const canTry = useCan("notifications:send") || useCan("preferences:read");
  const set = (values: Partial<ExplainSearch>) => void navigate({ search: { ...search, ...values }, replace: true });
  return (
    <Page title="Explain">
      <UserChoice value={user_id} onChange={(id) => set({ user_id: id })} />
      <TabBar label="past or present" tabs={canTry ? TABS : TABS.slice(0, 1)} value={canTry ? tab : "happened"} onChange={(name) => set({ tab: name })}>
        {tab === "try" && canTry
          ? <DryRunForm userId={user_id} type={filter.type ?? ""} onType={(type) => set({ type })} />
          : <Happened userId={user_id} filter={filter} onFilter={(values) => void navigate({ search: { ...values, user_id, tab } as ExplainSearch, replace: true })} onTry={canTry ? () => set({ tab: "try" }) : undefined} />}
      </TabBar>
    </Page>
  );
}

// each change of the URL asks for the list and an explanation of each row, so it waits for a pause
function UserChoice({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const change = useDebouncedCallback(onChange, PAUSE_MS);
  useEffect(() => {
    if (document.activeElement === input.current) return; // what is being typed is newer
    change.cancel();
    setText(value);
  }, [value, change]);
  return (
    <UserField
      ref={input} mb="md" maw={420} label="Why did this user get something, or not?" data-filter value={text} onBlur={() => change.flush()}
      onChange={(id) => {
        setText(id);
        change(id.trim());
      }}
    />
  );
}

interface HappenedProps {
  userId: string;
  filter: Omit<ExplainSearch, "user_id" | "tab">;
  onFilter: (values: Record<string, string | undefined>) => void;
  onTry?: () => void;
}

function Happened({ userId, filter, onFilter, onTry }: HappenedProps) {
  return (
    <>
      <Filters fields={FIELDS} values={{ ...filter }} onChange={onFilter} />
      {userId ? <Explanations userId={userId} filter={filter} onTry={onTry} /> : (
        <EmptyPanel title="Whom is it about?">Choose a user by id, or by a whole e-mail address or telephone number: then each notification says why it arrived or not.</EmptyPanel>
      )}
    </>
  );
}

function Explanations({ userId, filter, onTry }: Pick<HappenedProps, "userId" | "filter" | "onTry">) {
  const list = usePagedList(["explain", userId, filter], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/notifications", { params: { query: { ...filter, user_id: userId, limit: ROWS, cursor } }, signal })),
  );
  return (
    <RecordList list={list} isFiltered={Object.values(filter).some(Boolean)} noMatch={<NoMatch what="notification to this user" wholes="A type or category" />} empty={<Nothing userId={userId} onTry={onTry} />}>
      {(rows) => <RecordTable label="notifications of the user" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={toLink} />}
    </RecordList>
  );
}

const toLink = (row: Notification) => linkOptions({ to: "/notifications/$id", params: { id: row.id }, search: { user_id: row.user_id } });

function Nothing({ userId, onTry }: { userId: string; onTry?: () => void }) {
  return (
    <EmptyPanel title={`Nothing is recorded for ${userId}`}>
      No producer has submitted a notification for this user, or it is older than the history is kept.
      {onTry ? <> <button type="button" className="text-button" onClick={onTry}>See what would happen now</button>.</> : null}
    </EmptyPanel>
  );
}

/** The verdict in one sentence; the story that the row leads to is read by the same key. */
function Verdict({ notification }: { notification: Notification }) {
  const { id, user_id } = notification;
  const { data } = useQuery({
    queryKey: ["explanation", id, user_id],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/notifications/{notification_id}/explain", { params: { path: { notification_id: id }, query: { user_id } }, signal })),
    staleTime: 30_000,
  });
  return <span title={data?.summary}>{data?.summary ?? "…"}</span>;
}
