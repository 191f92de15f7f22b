import { Button } from "@mantine/core";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatCount } from "../format";
import { Filters, type FilterField } from "../parts/Filters";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { ProjectCreation } from "../parts/ProjectForm";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable, type Column } from "../parts/RecordTable";
import { TimeText } from "../parts/TimeText";
import type { ProjectSearch } from "../searches";
import { useCan } from "../session";

type Project = Schemas["Project"];

const route = getRouteApi("/projects");
const FIELDS: FilterField[] = [{ name: "search", label: "Id or name" }];
const DEFAULT = <span className="dim">default</span>;
const COLUMNS: Column<Project>[] = [
  { title: "Id", render: (project) => project.id },
  { title: "Name", render: (project) => project.name },
  { title: "Weight", width: "6rem", isNumber: true, render: (project) => formatCount(project.weight) },
  { title: "A second", width: "7rem", isNumber: true, render: (project) => (project.rate === null ? DEFAULT : formatCount(project.rate)) },
  { title: "At once", width: "7rem", isNumber: true, render: (project) => (project.burst === null ? DEFAULT : formatCount(project.burst)) },
  { title: "Encrypted", width: "7rem", render: (project) => (project.encrypts === null ? DEFAULT : project.encrypts ? "yes" : "no") },
  { title: "Created", width: "9.5rem", render: (project) => <TimeText at={project.created_at} isRelative /> },
];

/** The projects beside the default one. */
export function ProjectsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("projects:write");
  const [isNew, setNew] = useState(false);
  const list = usePagedList(["projects", search], async (cursor, signal) => unwrap(await herold.GET("/v1/projects", { params: { query: { ...search, cursor } }, signal })));
  return (
    <Page title="Projects" actions={canWrite ? <Button size="xs" onClick={() => setNew(true)}>New project</Button> : null}>
      <Filters fields={FIELDS} values={{ ...search }} onChange={(values) => void navigate({ search: values as ProjectSearch, replace: true })} />
      <RecordList list={list} isFiltered={!!search.search} noMatch={<EmptyPanel title="No project matches">Clear the filter. A search is a part of an id or a name.</EmptyPanel>} empty={<NoProjects />}>
        {(rows) => <RecordTable label="projects" rows={rows} columns={COLUMNS} getKey={(row) => row.id} getLink={(row) => linkOptions({ to: "/projects/$id", params: { id: row.id } })} />}
      </RecordList>
      {isNew ? <ProjectCreation onClose={() => setNew(false)} onDone={(id) => void navigate({ to: "/projects/$id", params: { id } })} /> : null}
    </Page>
  );
}

function NoProjects() {
  return <EmptyPanel title="Only the default project">A project has users, rules, templates and keys of its own. The setting <code>gateway.projects</code> has to be on to make one.</EmptyPanel>;
}
