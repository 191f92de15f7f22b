import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ProblemError, unwrap } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { cleanRule, type Rule } from "../rules";
import { loadRule, refreshRule, type RuleState } from "../ruleState";
import { formatDocument } from "../templates";
import { DiffView } from "./DiffView";
import { FailurePanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";

export type RuleDialog = { kind: "save"; draft: { base: number; rule: Rule } } | { kind: "delete" } | { kind: "rollback"; version: number; rule?: Rule };
interface DialogProps<Dialog> {
  state: RuleState;
  dialog: Dialog;
  onDone: (isSaved: boolean) => void;
}

/** What a change of a rule does, before it is made. */
export function RuleDialogs({ state, dialog, onDone }: DialogProps<RuleDialog>) {
  if (dialog.kind === "save") return <SaveDialog state={state} dialog={dialog} onDone={onDone} />;
  if (dialog.kind === "delete") return <DeleteDialog state={state} dialog={dialog} onDone={onDone} />;
  return <RollbackDialog state={state} dialog={dialog} onDone={onDone} />;
}

const hasChanged = (error: unknown) => error instanceof ProblemError && (error.status === 412 || error.status === 428);
const ifMatch = (version: number) => ({ header: { "If-Match": version ? `"${version}"` : "*" } });

function SaveDialog({ state, dialog: { draft }, onDone }: DialogProps<Extract<RuleDialog, { kind: "save" }>>) {
  const [comment, setComment] = useState("");
  const save = useMutation({
    mutationFn: async (base: number) => {
      const header = base ? ifMatch(base) : {}; // without it only a new rule is made
      return unwrap(await herold.PUT("/v1/rules/{rule_type}", { params: { path: { rule_type: state.type }, query: { comment }, ...header }, body: cleanRule(draft.rule) }));
    },
    onSuccess: async ({ version }) => {
      notifications.show({ message: `Version ${version} is in force: routers use it within a few seconds` });
      await refreshRule(state.type);
      onDone(true);
    },
  });
  if (hasChanged(save.error)) {
    return <Conflict type={state.type} mine={draft.rule} isSaving={save.isPending} onKeep={(version) => save.mutate(version)} onTake={() => void refreshRule(state.type).then(() => onDone(true))} />;
  }
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(draft.base); }}>
      <Stack gap="sm">
        {save.error ? <FailurePanel error={save.error} onRetry={() => save.mutate(draft.base)} /> : null}
        <DiffView before={state.version ? formatDocument(cleanRule(state.stored)) : ""} after={formatDocument(cleanRule(draft.rule))} labels={[state.version ? `version ${state.version}` : "no rule", "what you wrote"]} />
        <CommentField value={comment} onChange={setComment} />
        <Buttons label="Save and use it" isPending={save.isPending} onLeave={() => onDone(false)} />
      </Stack>
    </form>
  );
}

function Conflict({ type, mine, isSaving, onKeep, onTake }: { type: string; mine: Rule; isSaving: boolean; onKeep: (version: number) => void; onTake: () => void }) {
  const theirs = useQuery({ queryKey: ["rule", type, "theirs"], queryFn: ({ signal }) => loadRule(type, false, signal), staleTime: 0 });
  return (
    <QueryPanel query={theirs}>
      {({ version, stored, versions }) => (
        <Stack gap="sm">
          <Alert role="note" color="yellow" variant="light" title={version ? `Version ${version} came into force meanwhile` : "The rule was deleted meanwhile"}>
            By {versions[0]?.actor || "somebody"}{versions[0]?.comment ? `: ${versions[0].comment}` : ""}. What you wrote is still here.
          </Alert>
          <DiffView before={formatDocument(cleanRule(stored))} after={formatDocument(cleanRule(mine))} labels={[version ? `version ${version}` : "before it was deleted", "what you wrote"]} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onTake}>{version ? `Take version ${version}` : "Leave it deleted"}</Button>
            <Button loading={isSaving} onClick={() => onKeep(version)}>Save mine over it</Button>
          </Group>
        </Stack>
      )}
    </QueryPanel>
  );
}

function DeleteDialog({ state, onDone }: DialogProps<{ kind: "delete" }>) {
  const [comment, setComment] = useState("");
  const remove = useMutation({
    mutationFn: async () => {
      const answer = await herold.DELETE("/v1/rules/{rule_type}", { params: { path: { rule_type: state.type }, query: { comment }, ...ifMatch(state.version) } });
      if (!answer.response.ok) unwrap(answer);
    },
    onSuccess: async () => {
      notifications.show({ message: `The rule for ${state.type} is deleted; its versions stay` });
      await refreshRule(state.type);
      onDone(true);
    },
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); remove.mutate(); }}>
      <Stack gap="sm">
        {remove.error ? <FailurePanel error={remove.error} onRetry={() => remove.mutate()} /> : null}
        <Text size="sm">Notifications of the type {state.type} become dead letters from then on. The versions stay, so that any of them can be rolled back to.</Text>
        <CommentField value={comment} onChange={setComment} />
        <Buttons label="Delete the rule" isPending={remove.isPending} onLeave={() => onDone(false)} />
      </Stack>
    </form>
  );
}

function RollbackDialog({ state, dialog: { version, rule: target }, onDone }: DialogProps<{ kind: "rollback"; version: number; rule?: Rule }>) {
  const [comment, setComment] = useState("");
  const roll = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/rules/{rule_type}/rollback", { params: { path: { rule_type: state.type }, query: { comment }, ...ifMatch(state.version) }, body: { version } })),
    onSuccess: async (rule) => {
      notifications.show({ message: `Version ${rule.version} is in force, with the contents of version ${version}` });
      await refreshRule(state.type);
      onDone(true);
    },
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); roll.mutate(); }}>
      <Stack gap="sm">
        {roll.error ? <FailurePanel error={roll.error} onRetry={() => roll.mutate()} /> : null}
        <Text size="sm">The contents of version {version} become the next version, which is used within a few seconds.</Text>
        {target ? <DiffView before={state.version ? formatDocument(cleanRule(state.stored)) : ""} after={formatDocument(cleanRule(target))} labels={[state.version ? `version ${state.version}` : "no rule", `version ${version}`]} /> : null}
        <CommentField value={comment} onChange={setComment} />
        <Buttons label="Roll back" isPending={roll.isPending} onLeave={() => onDone(false)} />
      </Stack>
    </form>
  );
}

const CommentField = ({ value, onChange }: { value: string; onChange: (value: string) => void }) => (
  <TextInput label="Comment" description="Why, for the history" value={value} maxLength={1000} onChange={(event) => onChange(event.currentTarget.value)} data-autofocus />
);

const Buttons = ({ label, isPending, onLeave }: { label: string; isPending: boolean; onLeave: () => void }) => (
  <Group justify="flex-end"><Button variant="default" onClick={onLeave}>Cancel</Button><Button type="submit" loading={isPending}>{label}</Button></Group>
);
