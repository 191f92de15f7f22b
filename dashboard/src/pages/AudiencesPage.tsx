import "../sending.css";

import { Button } from "@mantine/core";
import { getRouteApi, Link, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { describeFilter } from "../audienceFilters";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import type { NameSearch } from "../searches";
import { useCan } from "../session";

type Audience = Schemas["Audience"];

const route = getRouteApi("/audiences");
const FIELDS: FilterField[] = [{ name: "search", label: "Part of a name" }];
const COLUMNS: Column<Audience>[] = [
  { title: "Name", render: (row) => row.name },
  { title: "Kind", width: "6rem", render: (row) => row.kind },
  { title: "Who", render: (row) => <Who audience={row} /> },
  { title: "Description", render: (row) => <span title={row.description}>{row.description}</span> },
  { title: "Changed", width: "9.5rem", render: (row) => <TimeText at={row.updated_at} isRelative /> },
];

function Who({ audience }: { audience: Audience }) {
  const text = audience.filter ? describeFilter(audience.filter) : "";
  return text ? <span title={text}>{text}</span> : <span className="dim">its members</span>;
}

/** Lists and filters of users, for broadcasts and schedules. */
export function AudiencesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("audiences:write");
  const list = usePagedList(["audiences", search], async (cursor, signal) => unwrap(await herold.GET("/v1/audiences", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Audiences" actions={canWrite ? <Button size="xs" component={Link} to="/audiences/new">New audience</Button> : null}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as NameSearch, replace: true })} />
      <RecordList list={list} isFiltered={!!search.search} noMatch={<EmptyPanel title="No audience matches">Clear the filter.</EmptyPanel>} empty={EMPTY}>
        {(rows) => <RecordTable label="audiences" rows={rows} columns={COLUMNS} getKey={(row) => row.name} getLink={(row) => linkOptions({ to: "/audiences/$name", params: { name: row.name } })} />}
      </RecordList>
    </Page>
  );
}

const EMPTY = <EmptyPanel title="No audiences yet">An audience is a list of users, or a filter that finds them anew for each broadcast. Create one to send to many users at once.</EmptyPanel>;
