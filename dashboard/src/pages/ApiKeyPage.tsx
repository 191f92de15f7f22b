import { Alert, Button, Group, Modal, Paper, Select, Stack, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { findKeyState, OVERLAPS } from "../accounts";
import { isConflict, matchVersion, useAction, useConflict } from "../actions";
import { herold } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { ActionDialog } from "../parts/ActionDialog";
import { ScopeSelect } from "../parts/ApiKeyForm";
import { ConflictPanel } from "../parts/ConflictPanel";
import { FormFailure } from "../parts/Forms";
import { KeyState } from "../parts/KeyState";
import { Page } from "../parts/Page";
import { FailurePanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { SecretBox } from "../parts/SecretBox";
import { TimeText, useNow } from "../parts/TimeText";
import { useCan } from "../session";
import { useDraft } from "../useDraft";

const FIELDS = ["name", "scopes"];

type Key = Schemas["ApiKey"];

const route = getRouteApi("/api-keys/$id");

/** One key: what it may do, when it was used, and its rotation and end. */
export function ApiKeyPage() {
  const { id } = route.useParams();
  const canWrite = useCan("api-keys:write");
  const key = useQuery({ queryKey: ["api key", id], queryFn: ({ signal }) => readKey(id, signal) });
  return (
    <Page title={key.data?.name ?? "API key"} actions={canWrite && key.data ? <Actions apiKey={key.data} /> : null}>
      <QueryPanel query={key}>
        {(data) => (
          <div className="columns">
            <Stack gap="md">
              {data.previous_expires_at ? <Overlap until={data.previous_expires_at} /> : null}
              <Paper withBorder p="md"><Title order={2} mb="sm">What it may do</Title><Editor key={data.id} apiKey={data} canWrite={canWrite && data.revoked_at === null} /></Paper>
            </Stack>
            <Paper withBorder p="md"><Facts apiKey={data} /></Paper>
          </div>
        )}
      </QueryPanel>
    </Page>
  );
}

function Overlap({ until }: { until: number }) {
  const isOver = useNow() > until;
  return isOver ? null : <Alert role="note" color="yellow" variant="light" title="Two secrets count">The one before the last rotation counts until <TimeText at={until} />.</Alert>;
}

function Facts({ apiKey }: { apiKey: Key }) {
  const facts: [string, React.ReactNode][] = [
    ["State", <KeyState apiKey={apiKey} />],
    ["Id", <span className="mono">{apiKey.id}</span>],
    ["Role", apiKey.role],
    ["Sends", apiKey.is_test ? "tests, to the simulators only" : "live notifications"],
    ["Last used", apiKey.last_used_at ? <TimeText at={apiKey.last_used_at} /> : "not yet"],
    ["Ends", apiKey.expires_at ? <TimeText at={apiKey.expires_at} /> : "never"],
    ["Revoked", apiKey.revoked_at ? <TimeText at={apiKey.revoked_at} /> : ""],
    ["Created", <><TimeText at={apiKey.created_at} /> by {apiKey.created_by}</>],
    ["Audit", <Link to="/audit" search={{ object_type: "api_key", object_id: apiKey.id }}>what was done to it</Link>],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

const toDraft = ({ name, scopes }: Key) => ({ name, scopes });

function Editor({ apiKey, canWrite }: { apiKey: Key; canWrite: boolean }) {
  const { base, draft, setDraft, isChanged, take } = useDraft(apiKey, toDraft);
  const { name, scopes } = draft;
  const { theirs, meet, end } = useConflict(() => readKey(apiKey.id));
  const begin = (next: Key) => {
    take(next);
    end();
  };
  const save = useAction(
    async (version: number) => unwrap(await herold.PATCH("/v1/api-keys/{key_id}", { params: { path: { key_id: apiKey.id }, header: matchVersion(version) }, body: { name, scopes: scopes as Schemas["Permission"][] } })),
    { done: "Saved", refresh: [["api keys"], ["api key", apiKey.id]], isQuiet: true, onDone: begin, onFailure: meet },
  );
  const errors = findFieldErrors(save.error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(base.version);
  };
  const list = (scopes: string[]) => scopes.join("\n") || "all of the role";
  if (!canWrite) return <dl className="facts"><dt>Name</dt><dd>{apiKey.name}</dd><dt>Scopes</dt><dd>{apiKey.scopes.join(", ") || "all of the role"}</dd></dl>;
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {theirs ? (
          <ConflictPanel
            isBusy={save.isPending} onSaveMine={() => save.mutate(theirs.version)} onTakeTheirs={() => {
              begin(theirs);
              save.reset();
            }}
            fields={[{ label: "Name", mine: name, theirs: theirs.name }, { label: "Scopes", mine: list(scopes), theirs: list(theirs.scopes) }].filter((field) => field.mine !== field.theirs)}
          />
        ) : null}
        <TextInput label="Name" required withAsterisk={false} maxLength={128} value={name} error={errors.name} onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })} />
        <ScopeSelect value={scopes} error={errors.scopes} onChange={(scopes) => setDraft({ ...draft, scopes })} />
        <FormFailure error={theirs && isConflict(save.error) ? null : save.error} fields={FIELDS} onRetry={() => save.mutate((theirs ?? base).version)} />
        <Group justify="flex-end"><Button type="submit" disabled={!isChanged || !!theirs} loading={save.isPending}>Save</Button></Group>
      </Stack>
    </form>
  );
}

function Actions({ apiKey }: { apiKey: Key }) {
  const [dialog, setDialog] = useState<"rotate" | "revoke">();
  const hasEnded = ["revoked", "expired"].includes(findKeyState(apiKey, useNow()));
  const close = () => setDialog(undefined);
  if (apiKey.revoked_at !== null) return null;
  return (
    <>
      {hasEnded ? null : <Button size="xs" variant="default" onClick={() => setDialog("rotate")}>Rotate</Button>}
      <Button size="xs" variant="light" color="red" onClick={() => setDialog("revoke")}>Revoke</Button>
      {dialog === "rotate" ? <Rotation apiKey={apiKey} onClose={close} /> : null}
      {dialog === "revoke" ? (
        <ActionDialog
          title="Revoke the key" confirm="Revoke" color="red" asksReason onClose={close} done="The key is revoked" refresh={[["api keys"], ["api key", apiKey.id]]}
          act={async (reason) => unwrap(await herold.POST("/v1/api-keys/{key_id}/revoke", { params: { path: { key_id: apiKey.id } }, body: { reason } }))}
        >
          Whoever uses <b>{apiKey.name}</b> gets 401 within 30 seconds. A revocation cannot be undone; the key stays in the list of ended ones.
        </ActionDialog>
      ) : null}
    </>
  );
}

function Rotation({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [overlap, setOverlap] = useState("86400");
  const rotate = useAction(
    async () => unwrap(await herold.POST("/v1/api-keys/{key_id}/rotate", { params: { path: { key_id: apiKey.id } }, body: { overlap: Number(overlap) } })),
    { refresh: [["api keys"], ["api key", apiKey.id]], isQuiet: true },
  );
  return (
    <Modal opened onClose={onClose} title="Rotate the secret" size="lg" closeOnClickOutside={!rotate.data} closeOnEscape={!rotate.data}>
      {rotate.data ? <SecretBox title={`The new secret of ${apiKey.name}`} secret={rotate.data.key} /> : (
        <Stack gap="sm">
          <span>The key gets a new secret, with the same id and permissions. For some time the one before counts, too, so that every producer can change.</span>
          <Select label="The one before counts for" allowDeselect={false} value={overlap} onChange={(value) => setOverlap(value ?? "0")} data={OVERLAPS.map(([seconds, label]) => ({ value: String(seconds), label }))} />
          {rotate.error ? <FailurePanel error={rotate.error} onRetry={() => rotate.mutate()} /> : null}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button loading={rotate.isPending} onClick={() => rotate.mutate()}>Rotate</Button></Group>
        </Stack>
      )}
    </Modal>
  );
}

const readKey = async (id: string, signal?: AbortSignal) => unwrap(await herold.GET("/v1/api-keys/{key_id}", { params: { path: { key_id: id } }, signal }));
