import { Group, SegmentedControl, Text, Title } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { RANGES, sum } from "../analytics";
import { herold } from "../api";
import { formatCount } from "../format";
import { LEDGER_SPANS } from "../searches";
import { getMark } from "../statuses";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { StatusBadge } from "./StatusBadge";
import { TimeText, useNow } from "./TimeText";

type Ledger = Schemas["LedgerResponse"];
type Span = (typeof LEDGER_SPANS)[number];
interface Entry {
  what: string;
  name: string;
  final: number;
  inFlight: number;
}

/** Accepted = final + in flight. What is neither is named. */
export function LedgerPanel({ span, onChange }: { span: Span; onChange: (span: Span) => void }) {
  const to = Math.ceil(useNow() / 60) * 60, from = to - RANGES[span];
  const ledger = useQuery({
    queryKey: ["sla", "ledger", from, to],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/ledger", { params: { query: { from, to } }, signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <Group justify="space-between" className="section">
        <Title order={2}>Ledger</Title>
        <SegmentedControl size="xs" aria-label="time of the ledger" data={[...LEDGER_SPANS]} value={span} onChange={(value) => onChange(value as Span)} />
      </Group>
      <QueryPanel query={ledger}>
        {(data) => (
          <>
            <Balance label="Notifications" balance={data.notifications} />
            <Balance label="Deliveries" balance={data.deliveries} />
            <RecordTable label="ledger" rows={listEntries(data)} columns={COLUMNS} getKey={(entry) => `${entry.what} ${entry.name}`} />
            {data.unaccounted.length ? <Unaccounted ids={data.unaccounted} total={data.imbalance} /> : null}
            <Text size="xs" className="dim" mt="xs">
              Counted from the rows of the history, as of <TimeText at={data.as_of} />. Unaccounted is what is in flight an hour after it had to end, and a delivery that no notification names. What is accepted and not decided yet is not in the history.
            </Text>
          </>
        )}
      </QueryPanel>
    </>
  );
}

function Balance({ label, balance }: { label: string; balance: Schemas["Balance"] }) {
  const tone = balance.imbalance === 0 ? "good" : "bad";
  return (
    <div className="balance number" role="group" aria-label={`${label}: ${balance.accepted} accepted, ${balance.imbalance} unaccounted`}>
      <span>{label}</span>
      <span><b>{formatCount(balance.accepted)}</b> accepted</span>
      <span>= <b>{formatCount(sum(Object.values(balance.final)))}</b> final</span>
      <span>+ <b>{formatCount(sum(Object.values(balance.in_flight)))}</b> in flight</span>
      <span className={`tone-${tone}`}>{getMark(tone === "good" ? "routed" : "dead")} <b>{formatCount(balance.imbalance)}</b> unaccounted</span>
    </div>
  );
}

function Unaccounted({ ids, total }: { ids: string[]; total: number }) {
  return (
    <section aria-label="unaccounted">
      <Title order={3} size="sm" mt="md">Unaccounted{ids.length < total ? `: ${formatCount(ids.length)} of ${formatCount(total)}` : ""}</Title>
      <ul className="unaccounted mono">
        {ids.map((id) => <li key={id} className="dim">{id.startsWith("ntf_") ? <Link to="/notifications/$id" params={{ id }}>{id}</Link> : id}</li>)}
      </ul>
    </section>
  );
}

function listEntries({ notifications, deliveries }: Ledger): Entry[] {
  const list = (what: string, { final, in_flight }: Schemas["Balance"]) =>
    [...new Set([...Object.keys(final), ...Object.keys(in_flight)])].map((name) => ({ what, name, final: final[name] ?? 0, inFlight: in_flight[name] ?? 0 }));
  return [...list("notifications", notifications), ...list("deliveries", deliveries)];
}

const COLUMNS: Column<Entry>[] = [
  { title: "What", width: "10rem", render: (entry) => entry.what },
  { title: "State or status", render: (entry) => <StatusBadge status={entry.name} /> },
  { title: "Final", width: "9rem", isNumber: true, render: (entry) => formatCount(entry.final) },
  { title: "In flight", width: "9rem", isNumber: true, render: (entry) => formatCount(entry.inFlight) },
];
