import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatCode } from "../format";
import { AuditEntry } from "../parts/AuditEntry";
import { DownloadButton } from "../parts/DownloadButton";
import { Filters, type FilterField } from "../parts/Filters";
import { LogHeads } from "../parts/LogHeads";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeRange } from "../parts/TimeRange";
import { TimeText } from "../parts/TimeText";
import { readTimes, type AuditSearch } from "../searches";

type Entry = Schemas["AuditEntry"];

const route = getRouteApi("/audit");
const FIELDS: FilterField[] = [
  { name: "actor", label: "Who" },
  { name: "principal", label: "Authenticated" },
  { name: "action", label: "Action" },
  { name: "object_type", label: "Kind of object" },
  { name: "object_id", label: "Object" },
];
const COLUMNS: Column<Entry>[] = [
  { title: "When", width: "14rem", render: (entry) => <TimeText at={entry.occurred_at} /> },
  { title: "Who", render: (entry) => entry.actor || entry.principal },
  { title: "Action", render: (entry) => formatCode(entry.action) },
  { title: "Kind", width: "9rem", render: (entry) => formatCode(entry.object_type) },
  { title: "Object", render: (entry) => entry.object_id },
  { title: "From", width: "8rem", render: (entry) => entry.client_address },
];

/** Who changed and read what, newest first; one entry is in the URL. */
export function AuditPage() {
  const search = route.useSearch();
  const { entry, ...filter } = search;
  const navigate = route.useNavigate();
  const [showsHeads, setShowsHeads] = useState(false);
  const query = { ...filter, ...readTimes(filter) };
  const list = usePagedList(["audit", filter], async (cursor, signal) => unwrap(await herold.GET("/v1/audit", { params: { query: { ...query, cursor } }, signal })));
  const change = (values: AuditSearch) => void navigate({ search: values, replace: true });
  return (
    <Page
      title="Audit"
      actions={<>
        <Button size="xs" variant="default" onClick={() => setShowsHeads(true)}>Heads</Button>
        <DownloadButton label="Export CSV" fileName="audit.csv" fetchText={() => fetchCsv(query)} />
      </>}
    >
      <Group gap="0 0.6rem" align="flex-start">
        <Filters fields={FIELDS} values={{ ...filter }} isFiltered={Object.keys(filter).length > 0} onChange={change} />
        <TimeRange values={filter} onChange={(range) => change({ ...filter, ...range })} />
      </Group>
      <RecordList list={list} isFiltered={Object.keys(filter).length > 0} noMatch={<NoMatch what="entry" wholes="Each text" />} empty={<EmptyPanel title="No entries yet">Each change by a person or a key is noted here, and each reading of addresses without masks.</EmptyPanel>}>
        {(rows) => <RecordTable label="entries of the audit log" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/audit", search: { ...filter, entry: row.id } })} />}
      </RecordList>
      {entry ? <AuditEntry id={entry} onClose={() => change(filter)} /> : null}
      {showsHeads ? <LogHeads onClose={() => setShowsHeads(false)} /> : null}
    </Page>
  );
}

async function fetchCsv(query: Record<string, string | number | undefined>): Promise<string> {
  const answer = await herold.GET("/v1/audit/export", { params: { query }, parseAs: "text" });
  const text = unwrap(answer) as unknown as string;
  const isCut = answer.response.headers.has("herold-next-cursor");
  notifications.show({ message: isCut ? "The newest 10,000 entries are saved: choose a shorter time for the others" : "The entries are saved as a file" });
  return text;
}
