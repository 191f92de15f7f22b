import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { herold } from "../api";
import { Filters, type FilterField } from "../parts/Filters";
import { NameForm } from "../parts/NameForm";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import type { ListSearch } from "../searches";
import { useCan } from "../session";

type Template = Schemas["TemplateSummary"];

const route = getRouteApi("/templates");
const FIELDS: FilterField[] = [{ name: "search", label: "Name" }];
const COLUMNS: Column<Template>[] = [
  { title: "Name", render: (row) => row.name },
  { title: "Channels", width: "12rem", render: (row) => row.channels.join(", ") },
  { title: "Locales", width: "11rem", render: (row) => row.locales.join(", ") },
  { title: "Published", width: "7rem", isNumber: true, render: (row) => (row.published_version ? `version ${row.published_version}` : "not yet") },
  { title: "Draft", width: "7rem", isNumber: true, render: (row) => (row.latest_version > row.published_version ? `version ${row.latest_version}` : "") },
  { title: "Changed", width: "9.5rem", render: (row) => <TimeText at={row.updated_at} isRelative /> },
];

/** The templates by name. */
export function TemplatesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("templates:write");
  const [isOpen, dialog] = useDisclosure();
  const list = usePagedList<Template>(["templates", search], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/templates", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Templates" actions={canWrite ? <Button size="xs" onClick={dialog.open}>New template</Button> : null}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as ListSearch, replace: true })} />
      <RecordList
        list={list} isFiltered={!!search.search}
        empty={<EmptyPanel title="No templates yet">Create one here, or write a file for <code>herold policy apply</code>.</EmptyPanel>}
        noMatch={<EmptyPanel title="No template matches">Clear the filter: no name contains "{search.search}".</EmptyPanel>}
      >
        {(rows) => <RecordTable label="templates" rows={rows} columns={COLUMNS} getKey={(row) => row.name} getLink={(row) => linkOptions({ to: "/templates/$name", params: { name: row.name } })} />}
      </RecordList>
      <Modal opened={isOpen} onClose={dialog.close} title="New template">
        <NameForm label="Name" description="As rules name it, such as order-shipped" onDone={(name) => void navigate({ to: "/templates/$name", params: { name }, search: { new: "yes" } })} />
      </Modal>
    </Page>
  );
}
