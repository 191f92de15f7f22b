import { Button, Group, Paper, Select, Stack, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { isConflict, matchVersion, showUndo, useAction, useConflict } from "../actions";
import { herold, queryClient } from "../api";
import { findFieldErrors } from "../fieldErrors";
import { listProjects, RoleSelect } from "../parts/AccountCreation";
import { ActionDialog } from "../parts/ActionDialog";
import { ConflictPanel } from "../parts/ConflictPanel";
import { FormFailure } from "../parts/Forms";
import { Page } from "../parts/Page";
import { QueryPanel } from "../parts/QueryPanel";
import { TimeText } from "../parts/TimeText";
import { useCan } from "../session";
import { useDraft } from "../useDraft";

const FIELDS = ["email", "name", "projects"];

type Account = Schemas["Account"];
type Change = Schemas["AccountChange"];
type Role = Account["role"];

const route = getRouteApi("/accounts/$id");

/** One account: what it may do and how it logs in. */
export function AccountPage() {
  const { id } = route.useParams();
  const canWrite = useCan("accounts:write");
  const account = useQuery({
    queryKey: ["account", id],
    queryFn: ({ signal }) => readAccount(id, signal),
  });
  return (
    <Page title={account.data ? account.data.name || account.data.email : "Account"} actions={canWrite && account.data ? <Actions account={account.data} /> : null}>
      <QueryPanel query={account}>
        {(data) => (
          <div className="columns">
            <Paper withBorder p="md"><Title order={2} mb="sm">Account</Title><Editor key={data.id} account={data} canWrite={canWrite} /></Paper>
            <Paper withBorder p="md"><Facts account={data} /></Paper>
          </div>
        )}
      </QueryPanel>
    </Page>
  );
}

function Facts({ account }: { account: Account }) {
  const facts: [string, React.ReactNode][] = [
    ["State", account.state],
    ["Password", account.has_password ? "chosen" : "not chosen yet"],
    ["Authenticator app", account.has_totp ? "yes" : "no"],
    ["Passkeys", account.passkeys || "none"],
    ["Last login", account.last_login_at ? <TimeText at={account.last_login_at} /> : "never"],
    ["Created", <TimeText at={account.created_at} />],
    ["Changed", <TimeText at={account.updated_at} />],
    ["Id", <span className="mono">{account.id}</span>],
    ["Audit", <Link to="/audit" search={{ object_type: "account", object_id: account.id }}>what was done to it</Link>],
  ];
  return <dl className="facts">{facts.map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

const readAccount = async (id: string, signal?: AbortSignal) => unwrap(await herold.GET("/v1/accounts/{account_id}", { params: { path: { account_id: id } }, signal }));

const toDraft = ({ email, name, role, projects }: Account) => ({ email, name, role, projects: projects.join(", ") });

function Editor({ account, canWrite }: { account: Account; canWrite: boolean }) {
  const { base, draft, setDraft, isChanged, take } = useDraft(account, toDraft);
  const { theirs, meet, end } = useConflict(() => readAccount(account.id));
  const change = listChanged(base, { ...draft, projects: listProjects(draft.projects) });
  const begin = (next: Account) => {
    take(next);
    end();
  };
  const save = useAction(async (version: number) => saveAccount(account.id, version, change), { done: "Saved", refresh: [["accounts"], ["account", account.id]], isQuiet: true, onDone: begin, onFailure: meet });
  const errors = findFieldErrors(save.error, FIELDS);
  const bind = (name: "email" | "name" | "projects") => ({
    readOnly: !canWrite, value: draft[name], error: errors[name], onChange: (event: { currentTarget: HTMLInputElement }) => setDraft({ ...draft, [name]: event.currentTarget.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(base.version);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {theirs ? (
          <ConflictPanel
            isBusy={save.isPending} onSaveMine={() => save.mutate(theirs.version)} onTakeTheirs={() => {
              begin(theirs);
              save.reset();
            }}
            fields={Object.entries(change).map(([field, value]) => ({ label: field, mine: String(value), theirs: String(theirs[field as keyof Change]) })).filter((field) => field.mine !== field.theirs)}
          />
        ) : null}
        <TextInput type="email" label="E-mail" required withAsterisk={false} {...bind("email")} />
        <TextInput label="Name" {...bind("name")} />
        {canWrite ? <RoleSelect value={draft.role} onChange={(role) => setDraft({ ...draft, role })} /> : <Select label="Role" readOnly data={[draft.role]} value={draft.role} />}
        <TextInput label="Projects" description="Ids with commas between them; empty: the default project" {...bind("projects")} />
        <FormFailure error={theirs && isConflict(save.error) ? null : save.error} fields={FIELDS} onRetry={() => save.mutate((theirs ?? base).version)} />
        {canWrite ? <Group justify="flex-end"><Button type="submit" disabled={!isChanged || !!theirs} loading={save.isPending}>Save</Button></Group> : null}
      </Stack>
    </form>
  );
}

type Dialog = "sessions" | "factor" | "delete" | undefined;

function Actions({ account }: { account: Account }) {
  const [dialog, setDialog] = useState<Dialog>();
  const sendLink = useAction(async () => unwrap(await herold.POST("/v1/accounts/{account_id}/send-link", { params: { path: { account_id: account.id } }, body: {} })), { done: "The link is on its way" });
  const setState = useAction(async (state: Account["state"]) => saveAccount(account.id, account.version, { state }), {
    refresh: [["accounts"], ["account", account.id]],
    onDone: ({ state, version }) => showUndo(state === "disabled" ? "Disabled: all sessions have ended" : "Enabled", async () => {
      await saveAccount(account.id, version, { state: account.state });
      await queryClient.invalidateQueries({ queryKey: ["account", account.id] });
    }),
  });
  const isActive = account.state === "active";
  return (
    <>
      <Button size="xs" variant="default" loading={sendLink.isPending} onClick={() => sendLink.mutate()}>Send a link</Button>
      <Button size="xs" variant="default" onClick={() => setDialog("sessions")}>End sessions</Button>
      {account.has_totp ? <Button size="xs" variant="default" onClick={() => setDialog("factor")}>Reset the second factor</Button> : null}
      <Button size="xs" variant="default" loading={setState.isPending} onClick={() => setState.mutate(isActive ? "disabled" : "active")}>{isActive ? "Disable" : "Enable"}</Button>
      <Button size="xs" variant="light" color="red" onClick={() => setDialog("delete")}>Delete</Button>
      <Dialogs account={account} dialog={dialog} onClose={() => setDialog(undefined)} />
    </>
  );
}

function Dialogs({ account, dialog, onClose }: { account: Account; dialog: Dialog; onClose: () => void }) {
  const navigate = useNavigate();
  const path = { account_id: account.id }, refresh = [["accounts"], ["account", account.id]];
  if (dialog === "sessions") {
    return (
      <ActionDialog title="End all sessions" confirm="End them" asksReason onClose={onClose} refresh={refresh} done="All sessions have ended" act={async (reason) => unwrap(await herold.POST("/v1/accounts/{account_id}/revoke-sessions", { params: { path }, body: { reason } }))}>
        Whoever is logged in with this account is logged out within 30 seconds, on all devices. The person can log in again.
      </ActionDialog>
    );
  }
  if (dialog === "factor") {
    return (
      <ActionDialog title="Reset the second factor" confirm="Reset it" color="red" asksReason onClose={onClose} refresh={refresh} done="The authenticator app is removed" act={async (reason) => unwrap(await herold.POST("/v1/accounts/{account_id}/reset-second-factor", { params: { path }, body: { reason } }))}>
        The authenticator app and the recovery codes count no more, so that the password alone logs in. Make sure that it is the person who asks. Passkeys stay.
      </ActionDialog>
    );
  }
  return dialog === "delete" ? (
    <ActionDialog title="Delete the account" confirm="Delete" color="red" phrase={account.email} onClose={onClose} refresh={[["accounts"]]} outdated={[["account", account.id]]} done="The account is deleted" onDone={() => void navigate({ to: "/accounts" })} act={async () => unwrap(await herold.DELETE("/v1/accounts/{account_id}", { params: { path, header: matchVersion(account.version) } }))}>
      All sessions, passkeys and codes go with it. What the person did stays in the audit log.
    </ActionDialog>
  ) : null;
}

const saveAccount = async (id: string, version: number, change: Change) =>
  unwrap(await herold.PATCH("/v1/accounts/{account_id}", { params: { path: { account_id: id }, header: matchVersion(version) }, body: change }));

function listChanged(account: Account, mine: { email: string; name: string; role: Role; projects: string[] }): Change {
  return Object.fromEntries(Object.entries(mine).filter(([field, value]) => String(value) !== String(account[field as keyof Account])));
}
