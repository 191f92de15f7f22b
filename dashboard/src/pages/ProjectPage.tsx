import { Button, Group, Paper, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { isConflict, matchVersion, useAction, useConflict } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { ApiKeyForm } from "../parts/ApiKeyForm";
import { ConflictPanel } from "../parts/ConflictPanel";
import { FormFailure } from "../parts/Forms";
import { KEY_COLUMNS } from "../parts/keyColumns";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { PROJECT_FIELDS, ProjectFields, toDraft, toValues } from "../parts/ProjectForm";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RecordTable } from "../parts/RecordTable";
import { useCan } from "../session";
import { useDraft } from "../useDraft";

type Project = Schemas["Project"];

const route = getRouteApi("/projects/$id");
const LABELS = { name: "Name", weight: "Weight", rate: "Notifications a second", burst: "Notifications at once", encrypts: "Personal data is encrypted" } as const;

/** One project: what it may send, and its keys. */
export function ProjectPage() {
  const { id } = route.useParams();
  const canWrite = useCan("projects:write");
  const project = useQuery({ queryKey: ["project", id], queryFn: ({ signal }) => readProject(id, signal) });
  return (
    <Page title={project.data?.name ?? id}>
      <QueryPanel query={project}>
        {(data) => (
          <Stack gap="md">
            <Paper withBorder p="md"><Title order={2} mb="sm">What it may send</Title><Editor key={data.id} project={data} canWrite={canWrite} /></Paper>
            <Paper withBorder p="md"><Keys id={id} canWrite={canWrite} /></Paper>
          </Stack>
        )}
      </QueryPanel>
    </Page>
  );
}

function Editor({ project, canWrite }: { project: Project; canWrite: boolean }) {
  const { base, draft, setDraft, take } = useDraft(project, toDraft);
  const { theirs, meet, end } = useConflict(() => readProject(project.id));
  const begin = (next: Project) => {
    take(next);
    end();
  };
  const mine = toValues(draft);
  const changed = (Object.keys(LABELS) as (keyof typeof LABELS)[]).filter((name) => mine[name] !== base[name]);
  const save = useAction(
    async (version: number) => unwrap(await herold.PATCH("/v1/projects/{project_id}", {
      params: { path: { project_id: project.id }, header: matchVersion(version) }, body: Object.fromEntries(changed.map((name) => [name, mine[name]])),
    })),
    { done: "Saved: it counts after a few seconds", refresh: [["projects"], ["project", project.id]], isQuiet: true, onDone: begin, onFailure: meet },
  );
  const errors = findFieldErrors(save.error, PROJECT_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(base.version);
  };
  const write = (value: unknown) => (value === null ? "default" : String(value));
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {theirs ? (
          <ConflictPanel
            isBusy={save.isPending} onSaveMine={() => save.mutate(theirs.version)} onTakeTheirs={() => {
              begin(theirs);
              save.reset();
            }}
            fields={changed.filter((name) => mine[name] !== theirs[name]).map((name) => ({ label: LABELS[name], mine: write(mine[name]), theirs: write(theirs[name]) }))}
          />
        ) : null}
        <ProjectFields draft={draft} onChange={setDraft} errors={errors} isReadOnly={!canWrite} />
        <FormFailure error={theirs && isConflict(save.error) ? null : save.error} fields={PROJECT_FIELDS} onRetry={() => save.mutate((theirs ?? base).version)} />
        {canWrite ? <Group justify="flex-end"><Button type="submit" disabled={!changed.length || !!theirs} loading={save.isPending}>Save</Button></Group> : null}
      </Stack>
    </form>
  );
}

function Keys({ id, canWrite }: { id: string; canWrite: boolean }) {
  const [isNew, setNew] = useState(false);
  const list = usePagedList(["project keys", id], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/projects/{project_id}/api-keys", { params: { path: { project_id: id }, query: { cursor } }, signal })));
  return (
    <>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Keys</Title>
        {canWrite ? <Button size="xs" variant="default" onClick={() => setNew(true)}>New key</Button> : null}
      </Group>
      <RecordList list={list} empty={<EmptyPanel title="No keys yet">Create the first one here, with the role admin: it creates and revokes the others.</EmptyPanel>}>
        {(rows) => <RecordTable label="keys of the project" rows={rows} columns={KEY_COLUMNS} getKey={(row) => row.id} />}
      </RecordList>
      {isNew ? <ApiKeyForm project={id} onClose={() => setNew(false)} /> : null}
    </>
  );
}

const readProject = async (id: string, signal?: AbortSignal) => unwrap(await herold.GET("/v1/projects/{project_id}", { params: { path: { project_id: id } }, signal }));
