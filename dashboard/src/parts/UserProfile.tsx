import { Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { isConflict, matchVersion, useAction, useConflict } from "../actions";
import { herold } from "../api";
import { useCan } from "../session";
import { buildChange, buildDraft, listConflicts, rebaseDraft, type UserDraft } from "../users";
import { ConflictPanel } from "./ConflictPanel";
import { FormFailure } from "./Forms";
import { FailurePanel, SkeletonRows } from "./Panels";
import { TimeText } from "./TimeText";
import { findFormFailure, readFormErrors } from "./UserCreation";
import { USER_FIELDS, UserForm } from "./UserForm";

type User = Schemas["User"];

/** What is stored of a user; who may change it reads it without masks first. */
export function UserProfile({ user }: { user: User }) {
  const canWrite = useCan("users:write"), canUnmask = useCan("users:unmask");
  const [isEditing, setEditing] = useState(false);
  if (isEditing) return <Editor id={user.id} onClose={() => setEditing(false)} />;
  return (
    <Paper withBorder p="md">
      <Facts user={user} />
      {canWrite && canUnmask ? <Button mt="md" size="xs" title="It reads the addresses without masks, which leaves an entry in the audit log" onClick={() => setEditing(true)}>Edit</Button> : null}
    </Paper>
  );
}

function Facts({ user }: { user: User }) {
  const facts: [string, React.ReactNode][] = [
    ["Id", <span className="mono">{user.id}</span>],
    ["E-mail", user.addresses.email?.join(", ")],
    ["Telephone", user.addresses.sms?.join(", ")],
    ["Webhooks", user.addresses.webhook?.join(", ")],
    ["Locale", user.locale],
    ["Time zone", user.time_zone || "none: UTC"],
    ["Tier", user.tier],
    ["Attributes", Object.entries(user.attributes).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ")],
    ["Created", <TimeText at={user.created_at} />],
    ["Changed", <TimeText at={user.updated_at} />],
    ["Version", user.version],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Editor({ id, onClose }: { id: string; onClose: () => void }) {
  const start = useQuery({ queryKey: ["edited user", id], queryFn: () => readUser(id), staleTime: Infinity, gcTime: 0 });
  if (start.error) return <FailurePanel error={start.error} onRetry={() => void start.refetch()} />;
  return start.data ? <EditorForm start={start.data} onClose={onClose} /> : <SkeletonRows count={6} />;
}

function EditorForm({ start, onClose }: { start: User; onClose: () => void }) {
  const { id } = start;
  const [base, setBase] = useState(start), [draft, setDraft] = useState(() => buildDraft(start));
  const { theirs, meet, end } = useConflict(() => readUser(id));
  const before = buildDraft(base);
  const save = useAction(
    async ({ version, from, to }: { version: number; from: UserDraft; to: UserDraft }) =>
      unwrap(await herold.PATCH("/v1/users/{user_id}", { params: { path: { user_id: id }, header: matchVersion(version) }, body: buildChange(from, to) })),
    { done: "Saved", refresh: [["users"], ["user", id]], isQuiet: true, onDone: onClose, onFailure: meet },
  );
  const saveDraft = () => save.mutate({ version: base.version, from: before, to: draft });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saveDraft();
  };
  const takeTheirs = (user: User, next: UserDraft) => {
    setBase(user);
    setDraft(next);
    end();
    save.reset();
  };
  const saveMine = (user: User) => {
    const stored = buildDraft(user), mine = rebaseDraft(before, draft, stored);
    takeTheirs(user, mine);
    save.mutate({ version: user.version, from: stored, to: mine });
  };
  const errors = readFormErrors(save.error);
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit}>
      <Stack gap="md">
        {theirs ? (
          <ConflictPanel
            fields={listConflicts(before, draft, buildDraft(theirs))} isBusy={save.isPending}
            onTakeTheirs={() => takeTheirs(theirs, buildDraft(theirs))} onSaveMine={() => saveMine(theirs)}
          />
        ) : null}
        <UserForm draft={draft} onChange={setDraft} errors={errors} />
        <FormFailure error={theirs && isConflict(save.error) ? null : findFormFailure(save.error)} fields={USER_FIELDS} onRetry={saveDraft} />
        <Group justify="space-between">
          <Text size="xs" className="dim">That you read the addresses is noted in the audit log.</Text>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" loading={save.isPending} disabled={!!theirs}>Save</Button>
          </Group>
        </Group>
      </Stack>
    </Paper>
  );
}

const readUser = async (id: string) => unwrap(await herold.GET("/v1/users/{user_id}", { params: { path: { user_id: id } } }));
