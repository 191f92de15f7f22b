import { Badge, Button, Group, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { memo, useRef, useState, type MouseEvent, type ReactNode } from "react";
import { useDisplay } from "../display";
import { formatClock, formatCount, formatUtc } from "../format";
import { useLive, type LiveChange, type LiveRow, type LiveState } from "../live";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { StatusBadge } from "../parts/StatusBadge";
import { useRowKeys } from "../parts/useRowKeys";
import { stringifySearch, type LiveSearch } from "../searches";
import { CHANNELS, PRIORITIES, STATES, STATUSES } from "../statuses";

const route = getRouteApi("/live");
const SHOWN_ROWS = 200;
const FIELDS: FilterField[] = [
  { name: "status", label: "Status", values: [...STATUSES, ...STATES] },
  { name: "channel", label: "Channel", values: CHANNELS },
  { name: "priority", label: "Priority", values: PRIORITIES },
  { name: "type", label: "Type" },
  { name: "user_id", label: "User" },
];
/** Why the rows stand still. */
type Hold = "person" | "pointer" | "focus";
/** A row with its number in the order of arrival, by which it stays the same element. */
export type ShownRow = LiveRow & { number: number };
export const EMPTY = { rows: [] as ShownRow[], waiting: [] as ShownRow[], total: 0, skipped: 0, missed: 0 };

/** What happens now, newest first. While it is paused, what comes is counted and kept. */
export function LivePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page title="Live">
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as LiveSearch, replace: true })} />
      <Stream key={JSON.stringify(search)} search={search} />
    </Page>
  );
}

function Stream({ search }: { search: LiveSearch }) {
  const [view, setView] = useState(EMPTY);
  const [holds, setHolds] = useState<readonly Hold[]>([]);
  const held = useRef<readonly Hold[]>(holds); // what comes between two renderings counts, too
  const set = (hold: Hold, isOn: boolean) => {
    held.current = isOn ? [...new Set([...held.current, hold])] : held.current.filter((one) => one !== hold);
    setHolds(held.current);
    if (!held.current.length) setView(release);
  };
  const isPaused = holds.includes("person");
  const toggle = () => set("person", !held.current.includes("person"));
  const state = useLive(toFilter(search), (change) => setView((view) => addChange(view, change, held.current.length > 0)));
  useHotkeys(useDisplay().hasLetterKeys ? [["p", toggle]] : []);
  return (
    <>
      <Group gap="sm" mb="xs" mih={30}>
        <StateBadge state={state} isPaused={isPaused} />
        <Button size="xs" variant="default" onClick={toggle}>{isPaused ? `Resume (${formatCount(view.waiting.length)} waiting)` : "Pause"}</Button>
        <Text size="xs" className="dim number">{describe(view)}{holds.length && !isPaused ? ` · rows wait while you are in them: ${formatCount(view.waiting.length)}` : ""}</Text>
      </Group>
      {view.rows.length ? <Holder onHold={set}><Rows rows={view.rows} /></Holder> : <EmptyPanel title="Nothing has happened yet">Decisions, statuses, receipts and openings appear here as they happen.</EmptyPanel>}
    </>
  );
}

/** The view with what has waited. */
export const release = (view: typeof EMPTY): typeof EMPTY => ({ ...view, rows: [...view.waiting, ...view.rows].slice(0, SHOWN_ROWS), waiting: [] });

/** Rows do not move under a pointer, nor while one of them has the focus. A finger that has left the screen holds nothing. */
function Holder({ onHold, children }: { onHold: (hold: Hold, isOn: boolean) => void; children: ReactNode }) {
  return (
    <div
      onPointerEnter={(event) => { if (event.pointerType !== "touch") onHold("pointer", true); }} onPointerLeave={() => onHold("pointer", false)}
      onFocus={() => onHold("focus", true)} onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) onHold("focus", false); }}
    >
      {children}
    </div>
  );
}

/** The view with a change; a paused one keeps its rows, and the newest of what comes. */
export function addChange(view: typeof EMPTY, change: LiveChange, isPaused: boolean): typeof EMPTY {
  const incoming = change.rows.map((row, index) => ({ ...row, number: view.total + index })).toReversed();
  const totals = {
    total: view.total + incoming.length + change.skipped,
    skipped: view.skipped + change.skipped,
    missed: view.missed + change.missed,
  };
  return isPaused
    ? { ...view, ...totals, waiting: [...incoming, ...view.waiting].slice(0, SHOWN_ROWS) }
    : { ...view, ...totals, rows: [...incoming, ...view.rows].slice(0, SHOWN_ROWS) };
}

function describe({ total, skipped, missed }: typeof EMPTY): string {
  const parts = [`${formatCount(total)} since the page was opened`];
  if (skipped) parts.push(`one of ${Math.max(2, Math.round(total / (total - skipped || 1)))} shown`);
  if (missed) parts.push(`${formatCount(missed)} missed: the list of notifications has them`);
  return parts.join(" · ");
}

function StateBadge({ state, isPaused }: { state: LiveState; isPaused: boolean }) {
  const word = isPaused ? "paused" : { connecting: "connecting", stale: "no answer", refused: "refused: clear a filter, or ask for the permission", live: "live" }[state];
  const tone = isPaused || state === "connecting" ? "waiting" : state === "live" ? "good" : "bad";
  const colors = { waiting: "yellow", bad: "red", good: "green" };
  return <Badge variant="light" color={colors[tone]} className={`tone-${tone}`} tt="none" aria-live="polite">{word}</Badge>;
}

function Rows({ rows }: { rows: ShownRow[] }) {
  const container = useRowKeys(), router = useRouter();
  const open = (event: MouseEvent) => {
    const link = (event.target as Element).closest("a");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return; // the browser's own
    event.preventDefault();
    router.history.push(link.pathname + link.search);
  };
  return (
    <div className="list" ref={container} data-rows tabIndex={0} role="region" aria-label="what happens" onClick={open}>
      <table>
        <thead><tr><th style={{ width: "7rem" }}>Time</th><th>What</th><th>Type</th><th>User</th><th style={{ width: "6rem" }}>Channel</th><th>Provider</th></tr></thead>
        <tbody>
          {rows.map((row) => <Row key={row.number} row={row} base={router.basepath} />)}
        </tbody>
      </table>
    </div>
  );
}

// a row never changes: it is rendered once, however many come after it; a Link of the router would watch each change of the URL
const Row = memo(function Row({ row, base }: { row: ShownRow; base: string }) {
  return (
    <tr data-row>
      <td><span className="cell number" title={formatUtc(row.occurred_at)}>{formatClock(row.occurred_at)}</span></td>
      <td><a href={`${base}/notifications/${row.notification_id}${stringifySearch({ user_id: row.user_id })}`}><StatusBadge status={row.status} reason={row.reason} /></a></td>
      <td><span className="cell">{row.type}</span></td>
      <td><span className="cell">{row.user_id}</span></td>
      <td><span className="cell">{row.channel}</span></td>
      <td><span className="cell">{row.provider}{row.attempt ? `, attempt ${row.attempt + 1}` : ""}</span></td>
    </tr>
  );
});

const toFilter = ({ status, channel, priority, type, user_id }: LiveSearch) => ({
  ...(status ? { statuses: [status] } : {}),
  ...(channel ? { channels: [channel] } : {}),
  ...(priority ? { priorities: [priority] } : {}),
  ...(type ? { types: [type] } : {}),
  ...(user_id ? { user_id } : {}),
});
