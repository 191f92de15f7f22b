import { Button, Code, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { linkOptions, useNavigate } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useEffect, useState } from "react";
import { showFailure } from "../actions";
import { herold } from "../api";
import { formatCount } from "../format";
import type { SimulatorSearch } from "../searches";
import { CHANNELS } from "../statuses";
import { checkSignature, type SignatureResult } from "../webhookSignature";
import { Filters, type FilterField } from "./Filters";
import { EmptyPanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Message = Schemas["SimulatedMessage"];
type Details = Schemas["SimulatedMessageDetails"];
type Query = Pick<SimulatorSearch, "channel" | "search">;

const POLL_MS = 2_000;
const COUNTED = 100;
const FIELDS: FilterField[] = [{ name: "channel", label: "Channel", values: CHANNELS }, { name: "search", label: "Text or address" }];
const COLUMNS: Column<Message>[] = [
  { title: "Arrived", width: "8.5rem", render: (row) => <TimeText at={row.at} isRelative /> },
  { title: "Channel", width: "6rem", render: (row) => row.channel },
  { title: "To", render: (row) => row.recipient },
  { title: "Message", render: (row) => row.title || row.text },
];

/** What arrived, newest first, and one message as its recipient sees it. */
export function SimulatorInbox({ search, onChange }: { search: SimulatorSearch; onChange: (search: SimulatorSearch) => void }) {
  const { message, ...filter } = search;
  const query: Query = { channel: filter.channel, search: filter.search };
  const list = usePagedList(["simulator messages", query], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/simulators/messages", { params: { query: { ...query, cursor } }, signal })),
  );
  return (
    <>
      <Group justify="space-between" align="flex-start" mb="xs">
        <Filters fields={FIELDS} values={query} onChange={(values) => onChange({ ...(values as Query), message })} />
        <NewMessages newest={list.rows[0]?.number ?? 0} query={query} isEmpty={!!list.data && !list.rows.length} refetch={list.refetch} />
      </Group>
      <div className={message ? "columns even" : undefined}>
        <div>
          <RecordList list={list} isFiltered={Object.values(query).some(Boolean)} empty={EMPTY} noMatch={<EmptyPanel title="No message matches">Clear a filter.</EmptyPanel>}>
            {(rows) => (
              <RecordTable
                label="messages" rows={rows} columns={message ? COLUMNS.filter((column) => column.title !== "Channel") : COLUMNS} getKey={(row) => String(row.number)}
                getLink={(row) => linkOptions({ to: "/simulators", search: { ...search, message: String(row.number) } })}
              />
            )}
          </RecordList>
        </div>
        {message ? <OneMessage number={message} onClose={() => onChange(filter)} /> : null}
      </div>
    </>
  );
}

const EMPTY = <EmptyPanel title="Nothing has arrived yet">Send a notification: what the providers would get appears here. Nothing leaves this machine.</EmptyPanel>;

// rows do not move under the pointer: what is new is counted, and shown on request; an empty list fills itself
function NewMessages({ newest, query, isEmpty, refetch }: { newest: number; query: Query; isEmpty: boolean; refetch: () => unknown }) {
  const latest = useQuery({
    queryKey: ["newest simulator messages", query],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/simulators/messages", { params: { query: { ...query, limit: COUNTED } }, signal })).items.map((item) => item.number),
    refetchInterval: POLL_MS,
  });
  const count = latest.data?.filter((number) => number > newest).length ?? 0;
  useEffect(() => {
    if (isEmpty && count) refetch();
  }, [isEmpty, count, refetch]);
  if (count && !isEmpty) return <Button size="xs" variant="light" onClick={() => refetch()}>{formatCount(count)}{count === COUNTED ? " or more" : ""} new</Button>;
  return <Button size="xs" variant="default" onClick={() => refetch()}>Refresh</Button>;
}

function OneMessage({ number, onClose }: { number: string; onClose: () => void }) {
  const message = useQuery({
    queryKey: ["simulator message", number],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/simulators/messages/{number}", { params: { path: { number } }, signal })),
    staleTime: Infinity, // it never changes
  });
  return (
    <Paper withBorder p="md" component="section" aria-label="message">
      <Group justify="space-between" mb="sm"><Title order={2}>Message {number}</Title><Button size="compact-xs" variant="default" onClick={onClose}>Close</Button></Group>
      <QueryPanel query={message}>{(details) => <MessageView key={details.number} details={details} />}</QueryPanel>
    </Paper>
  );
}

function MessageView({ details }: { details: Details }) {
  const facts = [["To", details.recipient], ["From", details.sender], ["Subject", details.channel === "email" ? details.title : ""]];
  return (
    <Stack gap="sm">
      <dl className="facts">
        {facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}
        <dt>Arrived</dt><dd><TimeText at={details.at} /></dd>
      </dl>
      <Content details={details} />
      {details.channel === "webhook" ? <Signature details={details} /> : null}
      {details.details.length ? (
        <details>
          <summary>{details.channel === "webhook" ? "Headers" : "What else was sent"}</summary>
          <dl className="facts">{details.details.map(({ name, value }) => <div key={name} style={{ display: "contents" }}><dt className="mono">{name}</dt><dd className="mono">{value}</dd></div>)}</dl>
        </details>
      ) : null}
      {details.delivery_id ? <Group><StoryButton deliveryId={details.delivery_id} /></Group> : null}
    </Stack>
  );
}

function Content({ details }: { details: Details }) {
  switch (details.channel) {
    case "email":
      // the document is another's: no script, no form, no window, and no image from elsewhere
      return details.html
        ? <iframe className="mail" title={`e-mail: ${details.title}`} sandbox="" srcDoc={details.html} />
        : <pre className="plain-text">{details.text}</pre>;
    case "sms":
      return <div className="inbox-bubble">{details.text}</div>;
    case "push":
      return <div className="inbox-bubble"><b>{details.title}</b><div>{details.text}</div></div>;
    default:
      return <Code block tabIndex={0}>{details.text}</Code>;
  }
}

function Signature({ details }: { details: Details }) {
  const [secret, setSecret] = useState("");
  const [result, setResult] = useState<SignatureResult>();
  if (details.signature === "valid") return <Text size="sm"><span className="tone-good">✓ </span>The signature is right: the simulator knows the secret of this user and host.</Text>;
  if (details.signature === "none") return <Text size="sm"><span className="tone-bad">✕ </span>It is not signed.</Text>;
  const check = async () => setResult(await checkSignature(secret, new Map(details.details.map(({ name, value }) => [name, value])), details.body));
  return (
    <form onSubmit={(event) => {
      event.preventDefault();
      void check();
    }}>
      <Group align="flex-end" gap="xs">
        <PasswordInput label="Check the signature with the endpoint's secret" placeholder="whsec_..." autoComplete="off" value={secret} onChange={(event) => setSecret(event.currentTarget.value)} flex={1} miw={200} />
        <Button type="submit" variant="default" disabled={!secret.trim()}>Check</Button>
      </Group>
      <Text size="sm" role="status" mih="1.5rem">{result ? <><span className={result === "right" ? "tone-good" : "tone-bad"}>{result === "right" ? "✓ " : "✕ "}</span>{RESULTS[result]}</> : null}</Text>
    </form>
  );
}

const RESULTS: Record<SignatureResult, string> = {
  right: "The signature is right.",
  wrong: "The signature is not by this secret.",
  "unreadable secret": "This is no secret: it begins with whsec_, and base64 follows.",
  "not signed by HMAC": "It has a signature by Ed25519: that is checked with the endpoint's public key.",
};

// an id of a delivery begins with the millisecond of its notification, by which it is found
function StoryButton({ deliveryId }: { deliveryId: string }) {
  const navigate = useNavigate();
  const [isBusy, setBusy] = useState(false);
  const [isMissing, setMissing] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      const at = parseInt(deliveryId.slice(4, 16), 16);
      const { items } = unwrap(await herold.GET("/v1/deliveries", { params: { query: { since: (at - 1) / 1000, until: (at + 2) / 1000, limit: 200 } } }));
      const found = items.find((item) => item.id === deliveryId);
      setMissing(!found);
      if (found) await navigate({ to: "/notifications/$id", params: { id: found.notification_id }, search: { user_id: found.user_id } });
    } catch (error) {
      showFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button size="xs" variant="default" loading={isBusy} onClick={() => void open()}>Open its notification</Button>
      {isMissing ? <Text size="sm" className="dim">It is not recorded yet, or not of this installation.</Text> : null}
    </>
  );
}
