import { Alert, Badge, Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ProblemError, unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { useDraft } from "../drafts";
import { DiffView } from "../parts/DiffView";
import { DocumentEditor } from "../parts/DocumentEditor";
import { Page } from "../parts/Page";
import { FailurePanel, SkeletonRows } from "../parts/Panels";
import { PublishDialog } from "../parts/PublishDialog";
import { QueryPanel } from "../parts/QueryPanel";
import { TabBar } from "../parts/TabBar";
import { TemplateEditor } from "../parts/TemplateEditor";
import { TemplateVariants } from "../parts/TemplateVariants";
import { TemplateVersions } from "../parts/TemplateVersions";
import { useCan } from "../session";
import { formatDocument, type TemplateDocument } from "../templates";
import { loadTemplate, refreshTemplate, type TemplateState } from "../templateState";

interface Draft {
  /** The latest version when it was begun, 0 for a new template. */
  base: number;
  document: TemplateDocument;
}

const route = getRouteApi("/templates/$name");
const TABS = [{ name: "text", label: "Text" }, { name: "document", label: "Document" }, { name: "versions", label: "Versions" }, { name: "variants", label: "Variants" }] as const;

/** One template: its text with a live preview, its versions and variants. */
export function TemplatePage() {
  const { name } = route.useParams();
  const { new: isNew } = route.useSearch();
  const canWrite = useCan("templates:write");
  const template = useQuery({ queryKey: ["template", name], queryFn: ({ signal }) => loadTemplate(name, !!isNew && canWrite, signal), refetchOnWindowFocus: false });
  if (!template.data) {
    return (
      <Page title={name}>
        <QueryPanel query={template} outline={<SkeletonRows count={10} />}>{() => null}</QueryPanel>
      </Page>
    );
  }
  return <LoadedTemplate key={name} state={template.data} canWrite={canWrite} />;
}

function LoadedTemplate({ state, canWrite }: { state: TemplateState; canWrite: boolean }) {
  const { name, history, latest, stored } = state;
  const { tab = "text", ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const canPublish = useCan("templates:publish");
  const [draft, setDraft, { round, begin }] = useDraft<Draft>(`template ${name}`);
  const [chosen, setChosen] = useState<{ version: number; isRollback: boolean }>();
  const document = draft?.document ?? stored;
  const isChanged = draft !== undefined || latest === 0;
  const edit = canWrite
    ? (next: TemplateDocument) => setDraft(latest && JSON.stringify(next) === JSON.stringify(stored) ? undefined : { base: draft?.base ?? latest, document: next })
    : undefined;
  const hasUnpublished = latest > history.published_version;
  return (
    <Page
      title={name}
      actions={
        <>
          <VersionBadges history={history} latest={latest} isChanged={isChanged} />
          {canWrite && isChanged ? <SaveButton state={state} draft={draft ?? { base: 0, document }} onSaved={begin} onDiscard={draft ? begin : undefined} /> : null}
          {canPublish && hasUnpublished ? (
            <Button size="xs" disabled={isChanged} title={isChanged ? "Save the draft first, or discard it" : undefined} onClick={() => setChosen({ version: latest, isRollback: false })}>Publish version {latest}</Button>
          ) : null}
        </>
      }
    >
      <TabBar label="parts of the template" tabs={TABS} value={tab} onChange={(next) => void navigate({ search: { ...search, tab: next }, replace: true })}>
        {tab === "text" ? <TemplateEditor name={name} document={document} onChange={edit} /> : null}
        {tab === "document" ? <DocumentEditor key={round} name={name} document={document} onChange={edit} /> : null}
        {tab === "versions" ? <TemplateVersions state={state} draft={draft?.document} onRollBack={canPublish ? (version) => setChosen({ version, isRollback: true }) : undefined} /> : null}
        {tab === "variants" ? <TemplateVariants name={name} document={document} onChange={edit} /> : null}
      </TabBar>
      <Modal opened={!!chosen} onClose={() => setChosen(undefined)} size="xl" title={chosen ? `${chosen.isRollback ? "Roll back to" : "Publish"} version ${chosen.version}` : ""}>
        {chosen ? <PublishDialog name={name} {...chosen} onDone={() => setChosen(undefined)} /> : null}
      </Modal>
    </Page>
  );
}

function VersionBadges({ history, latest, isChanged }: { history: Schemas["TemplateHistory"]; latest: number; isChanged: boolean }) {
  return (
    <Group gap={6}>
      <Badge variant="light" color={history.published_version ? "green" : "gray"} className={history.published_version ? "tone-good" : "tone-neutral"} tt="none">
        {history.published_version ? `✓ version ${history.published_version} published` : "– not published"}
      </Badge>
      {latest > history.published_version ? <Badge variant="light" color="yellow" className="tone-waiting" tt="none">… version {latest} is a draft</Badge> : null}
      {isChanged ? <Badge variant="light" color="gray" className="tone-neutral" tt="none">not saved</Badge> : null}
    </Group>
  );
}

/** Saves the text as the next version. If somebody has saved one meanwhile, both are shown. */
function SaveButton({ state, draft, onSaved, onDiscard }: { state: TemplateState; draft: Draft; onSaved: () => void; onDiscard?: () => void }) {
  const [isOpen, dialog] = useDisclosure();
  const [comment, setComment] = useState("");
  const save = useMutation({
    mutationFn: async (base: number) =>
      unwrap(await herold.POST("/v1/templates/{name}/versions", { params: { path: { name: state.name } }, body: { document: draft.document, comment, base_version: base } })),
    onSuccess: async ({ version }) => {
      notifications.show({ message: `Version ${version} is saved; nobody uses it before it is published` });
      dialog.close();
      await refreshTemplate(state.name);
      onSaved();
    },
  });
  const isConflict = save.error instanceof ProblemError && save.error.status === 412;
  return (
    <>
      {onDiscard ? <Button size="xs" variant="default" onClick={onDiscard}>Discard</Button> : null}
      <Button size="xs" variant="light" onClick={() => { save.reset(); dialog.open(); }}>Save a draft</Button>
      <Modal opened={isOpen} onClose={dialog.close} size="xl" title="Save the next version">
        {isConflict ? (
          <Conflict name={state.name} mine={draft.document} isSaving={save.isPending} onKeep={(base) => save.mutate(base)} onTake={() => void refreshTemplate(state.name).then(() => { dialog.close(); onSaved(); })} />
        ) : (
          <form onSubmit={(event) => { event.preventDefault(); save.mutate(draft.base); }}>
            {save.error ? <FailurePanel error={save.error} onRetry={() => save.mutate(draft.base)} /> : null}
            {state.latest ? <DiffView before={formatDocument(state.stored)} after={formatDocument(draft.document)} labels={[`version ${state.latest}`, "what you wrote"]} /> : null}
            <TextInput mt="sm" label="Comment" description="Why, for the history" value={comment} maxLength={1000} onChange={(event) => setComment(event.currentTarget.value)} data-autofocus />
            <Group justify="flex-end" mt="md"><Button type="submit" loading={save.isPending}>Save</Button></Group>
          </form>
        )}
      </Modal>
    </>
  );
}

function Conflict({ name, mine, isSaving, onKeep, onTake }: { name: string; mine: TemplateDocument; isSaving: boolean; onKeep: (base: number) => void; onTake: () => void }) {
  const theirs = useQuery({ queryKey: ["template", name, "theirs"], queryFn: ({ signal }) => loadTemplate(name, false, signal), staleTime: 0 });
  return (
    <QueryPanel query={theirs}>
      {({ latest, stored, history }) => (
        <>
          <Alert role="note" color="yellow" variant="light" title={`Version ${latest} was saved meanwhile`} mb="sm">
            By {history.versions[0]?.actor || "somebody"}{history.versions[0]?.comment ? `: ${history.versions[0].comment}` : ""}. Your text is still here.
          </Alert>
          <DiffView before={formatDocument(stored)} after={formatDocument(mine)} labels={[`version ${latest}`, "what you wrote"]} />
          <Text size="sm" mt="sm">Yours becomes the version after it, without its changes; or take it and write yours again.</Text>
          <Group justify="flex-end" mt="sm">
            <Button variant="default" onClick={onTake}>Take version {latest}</Button>
            <Button loading={isSaving} onClick={() => onKeep(latest)}>Save mine after it</Button>
          </Group>
        </>
      )}
    </QueryPanel>
  );
}
