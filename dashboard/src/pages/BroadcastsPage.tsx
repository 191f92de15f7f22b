import "../sending.css";

import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { BROADCAST_STATES } from "../broadcasts";
import { BroadcastTable } from "../parts/BroadcastTable";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { NoMatch, RecordList, usePagedList } from "../parts/RecordList";
import type { BroadcastSearch } from "../searches";
import { useCan } from "../session";

const route = getRouteApi("/broadcasts");
const FIELDS: FilterField[] = [{ name: "search", label: "Type or audience" }, { name: "state", label: "State", values: BROADCAST_STATES }, { name: "audience", label: "Audience" }];

/** One notification for each user of an audience: what is on its way, and what was. */
export function BroadcastsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canSend = useCan("broadcasts:send");
  const list = usePagedList(["broadcasts", search], async (cursor, signal) => unwrap(await herold.GET("/v1/broadcasts", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Broadcasts" actions={<><Button size="xs" variant="default" onClick={() => void list.refetch()}>Refresh</Button>{canSend ? <Button size="xs" component={Link} to="/broadcasts/new">New broadcast</Button> : null}</>}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as BroadcastSearch, replace: true })} />
      <RecordList list={list} isFiltered={Object.keys(search).length > 0} noMatch={<NoMatch what="broadcast" wholes="An audience" />} empty={EMPTY}>
        {(rows) => <BroadcastTable rows={rows} />}
      </RecordList>
    </Page>
  );
}

const EMPTY = <EmptyPanel title="No broadcasts yet">Start one: it is shown to how many users it would go before it goes to any.</EmptyPanel>;
