import { Button } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { ApiKeyForm } from "../parts/ApiKeyForm";
import { Filters, type FilterField } from "../parts/Filters";
import { KEY_COLUMNS } from "../parts/keyColumns";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable } from "../parts/RecordTable";
import type { KeySearch } from "../searches";
import { useCan } from "../session";

const route = getRouteApi("/api-keys");
const FIELDS: FilterField[] = [{ name: "search", label: "Name or id" }, { name: "ended", label: "Ended", values: ["also"] }];
/** The keys of the project, without their secrets. */
export function ApiKeysPage() {
  const { search, ended } = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("api-keys:write");
  const [isNew, setNew] = useState(false);
  const list = usePagedList(["api keys", search, ended], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/api-keys", { params: { query: { search, ended: !!ended, cursor } }, signal })));
  return (
    <Page title="API keys" actions={canWrite ? <Button size="xs" onClick={() => setNew(true)}>New key</Button> : null}>
      <Filters fields={FIELDS} values={{ search, ended }} onChange={(values) => void navigate({ search: values as KeySearch, replace: true })} />
      <RecordList list={list} isFiltered={!!search} noMatch={<EmptyPanel title="No key matches">Clear a filter. A search is a part of a name, or an id.</EmptyPanel>} empty={<EmptyPanel title="No keys yet">A program calls the API with a key. Make one with the role that it needs.</EmptyPanel>}>
        {(rows) => <RecordTable label="API keys" rows={rows} columns={KEY_COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/api-keys/$id", params: { id: row.id } })} />}
      </RecordList>
      {isNew ? <ApiKeyForm onClose={() => setNew(false)} /> : null}
    </Page>
  );
}
