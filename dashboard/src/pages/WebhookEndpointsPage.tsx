import "../sending.css";

import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { CreateEndpoint } from "../parts/EndpointForm";
import { EndpointState } from "../parts/EndpointState";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import type { EndpointSearch } from "../searches";
import { useCan } from "../session";

type Endpoint = Schemas["WebhookEndpoint"];

const route = getRouteApi("/webhook-endpoints");
const FIELDS: FilterField[] = [
  { name: "search", label: "Part of the URL" },
  { name: "user_id", label: "User" },
  { name: "kind", label: "Kind", values: ["user", "status"] },
  { name: "state", label: "State", values: ["enabled", "disabled"] },
];
const COLUMNS: Column<Endpoint>[] = [
  { title: "URL", render: (row) => <span title={row.url}>{row.url}</span> },
  { title: "For", width: "12rem", render: (row) => row.user_id ?? <span className="dim">statuses of deliveries</span> },
  { title: "Types", width: "12rem", render: (row) => row.types.join(", ") || <span className="dim">all</span> },
  { title: "State", width: "12rem", render: (row) => <EndpointState endpoint={row} /> },
  { title: "Created", width: "9.5rem", render: (row) => <TimeText at={row.created_at} isRelative /> },
];

/** The URLs that webhooks are sent to. */
export function WebhookEndpointsPage() {
  const { state, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("webhook-endpoints:write");
  const query = { ...search, ...(state ? { enabled: state === "enabled" } : {}) };
  const list = usePagedList(["webhook endpoints", query], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/webhook-endpoints", { params: { query: { ...query, cursor } }, signal })),
  );
  return (
    <Page title="Webhook endpoints" actions={canWrite ? <CreateEndpoint /> : null}>
      <Filters fields={FIELDS} values={{ ...search, state }} onChange={(values) => void navigate({ search: values as EndpointSearch, replace: true })} />
      <RecordList list={list} isFiltered={Object.keys(query).length > 0} noMatch={<NoMatch what="endpoint" wholes="A user" />} empty={EMPTY}>
        {(rows) => <RecordTable label="webhook endpoints" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={toLink} />}
      </RecordList>
    </Page>
  );
}

const toLink = (row: Endpoint) => linkOptions({ to: "/webhook-endpoints/$id", params: { id: row.id } });
const EMPTY = <EmptyPanel title="No webhook endpoints yet">Create one: Herold signs each webhook with a secret of the endpoint, which is shown once.</EmptyPanel>;
