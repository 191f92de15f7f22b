import { Modal, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { describeEntry, listChanges, listFacts } from "../audit";
import { formatCode } from "../format";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";

type Entry = Schemas["AuditEntry"];

/** One entry: who, what, from where, and each changed field before and after. */
export function AuditEntry({ id, onClose }: { id: string; onClose: () => void }) {
  const entry = useQuery({
    queryKey: ["audit entry", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/audit/{entry_id}", { params: { path: { entry_id: id } }, signal })),
    staleTime: Infinity, // an entry is never changed
  });
  return (
    <Modal opened onClose={onClose} title="Entry of the audit log" size="xl">
      <QueryPanel query={entry}>{(data) => <Details entry={data} />}</QueryPanel>
    </Modal>
  );
}

function Details({ entry }: { entry: Entry }) {
  const changes = listChanges(entry);
  return (
    <Stack gap="md">
      <Title order={2}>{describeEntry(entry)}</Title>
      <Facts entry={entry} />
      {changes.length ? (
        <div className="list" role="region" aria-label="changed fields" tabIndex={0}>
          <table>
            <thead><tr><th style={{ width: "9rem" }}>Field</th><th>Before</th><th>After</th></tr></thead>
            <tbody>
              {changes.map(({ name, before, after }) => (
                <tr key={name}><th scope="row">{capitalize(formatCode(name))}</th><td><Value text={before} sign="−" /></td><td><Value text={after} sign="+" /></td></tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </Stack>
  );
}

// the sign says what the colour says
function Value({ text, sign }: { text: string | undefined; sign: "+" | "−" }) {
  return <span className={`cell value ${sign === "+" ? "tone-good" : "tone-bad"}`}>{text === undefined ? "" : `${sign} ${text || "empty"}`}</span>;
}

function Facts({ entry }: { entry: Entry }) {
  const facts: [string, React.ReactNode][] = [
    ["When", <TimeText at={entry.occurred_at} />],
    ["Who", entry.actor],
    ["Authenticated", entry.principal],
    ["From", entry.client_address],
    ["Client", entry.user_agent_hash],
    ["Request", entry.request_id],
    ["Object", <ObjectLink entry={entry} />],
    ...listFacts(entry).map(([name, value]): [string, React.ReactNode] => [capitalize(formatCode(name)), value]),
    ["Id", <span className="mono">{entry.id}</span>],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function ObjectLink({ entry: { object_type, object_id } }: { entry: Entry }) {
  if (object_type === "user" && object_id) return <Link to="/users/$id" params={{ id: object_id }}>{object_id}</Link>;
  if (object_type === "account" && object_id) return <Link to="/accounts/$id" params={{ id: object_id }}>{object_id}</Link>;
  return <>{formatCode(object_type)} {object_id}</>;
}
