import { Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState, type FormEvent } from "react";
import { useAction } from "../actions";
import { herold } from "../api";
import { describeOutcome, describeResult, findRemedy, getResult, readValue, type DeadLetter } from "../deadLetters";
import { listFieldProblems } from "../fieldErrors";
import { readJson } from "../json";
import { makeKey } from "../requestKeys";
import { useCan } from "../session";
import { ActionDialog } from "./ActionDialog";
import { CodeEditor } from "./CodeEditor";
import { FailurePanel, SkeletonRows } from "./Panels";
import { QueryPanel } from "./QueryPanel";

type Action = "redrive" | "edit" | "discard";

const HOUR = 3_600; // seconds
const EXTENSIONS = [{ value: "", label: "no longer" }, { value: String(HOUR), label: "1 hour" }, { value: String(6 * HOUR), label: "6 hours" }, { value: String(24 * HOUR), label: "24 hours" }];
const POLL_MS = 400;
const MAX_POLLS = 20;
/** What is read again after a dead letter was redriven or discarded. */
const KEYS = [["causes"], ["dead letters"], ["dead letter"], ["redrives"], ["explanation"], ["notification records"]] as const;

/** What can be done with one dead letter that is open, each after a dialog that says what will happen. `label` is the word for a redrive, `only` names those that there is room for. */
export function DeadLetterActions({ letter, label = "Redrive", size = "xs", only, onDone }: { letter: DeadLetter; label?: string; size?: "xs" | "compact-xs"; only?: readonly Action[]; onDone?: () => void }) {
  const [action, setAction] = useState<Action>();
  const canRedrive = useCan("redrives:write"), canDiscard = useCan("dead-letters:discard"), canUnmask = useCan("users:unmask");
  if (letter.state !== "open") return null;
  const isShown = (one: Action) => !only || only.includes(one);
  const close = () => setAction(undefined);
  const done = () => { close(); onDone?.(); };
  return (
    <Group gap="xs" wrap="nowrap">
      {canRedrive && isShown("redrive") ? <Button size={size} variant="light" onClick={() => setAction("redrive")}>{label}</Button> : null}
      {canRedrive && isShown("edit") && canUnmask && letter.stage === "router" && !letter.is_truncated ? <Button size={size} variant="default" onClick={() => setAction("edit")}>Edit and redrive</Button> : null}
      {canDiscard && isShown("discard") ? <Button size={size} variant="subtle" color="red" onClick={() => setAction("discard")}>Discard</Button> : null}
      <Modal opened={action === "redrive"} onClose={close} title={label}>{action === "redrive" ? <RedriveOne letter={letter} label={label} onCancel={close} onDone={done} /> : null}</Modal>
      <Modal opened={action === "edit"} onClose={close} title="Edit and redrive" size="xl">{action === "edit" ? <EditOne letter={letter} onCancel={close} onDone={done} /> : null}</Modal>
      {action === "discard" ? (
        <ActionDialog
          title="Discard" confirm="Discard" color="red" asksReason onClose={close} onDone={done} done="It is discarded" refresh={KEYS} outdated={KEYS}
          act={async (reason) => unwrap(await herold.POST("/v1/dead-letters/{dead_letter_id}/discard", { params: { path: { dead_letter_id: letter.id } }, body: { reason } }))}
        >
          It stays in the list with your reason, and nothing sends it again. This cannot be undone.
        </ActionDialog>
      ) : null}
    </Group>
  );
}

/** The redrive of one: begins it, and waits until it is over, so that what is read after it is right. */
async function redrive(letter: DeadLetter, key: string, query: object, body?: Record<string, unknown>): Promise<void> {
  const params = { path: { dead_letter_id: letter.id }, query, header: { "Idempotency-Key": key } };
  // without a body it goes as it is, which the generated type does not know
  let run = unwrap(await herold.POST("/v1/dead-letters/{dead_letter_id}/redrive", { params, body: body as Schemas["Submission"] }));
  for (let polls = 0; polls < MAX_POLLS && (run.state === "pending" || run.state === "running"); polls++) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    run = unwrap(await herold.GET("/v1/redrives/{redrive_id}", { params: { path: { redrive_id: run.id } } }));
  }
  notifications.show({ message: describeOutcome(run), color: run.redriven_count || run.state === "pending" || run.state === "running" ? undefined : "yellow" });
}

function RedriveOne({ letter, label, onCancel, onDone }: { letter: DeadLetter; label: string; onCancel: () => void; onDone: () => void }) {
  const [key, setKey] = useState(makeKey); // a redrive whose answer was lost is not begun twice
  const [reason, setReason] = useState(""), [includesDelivered, setIncludesDelivered] = useState(false), [extension, setExtension] = useState("");
  const change = <Value,>(set: (value: Value) => void) => (value: Value) => { set(value); setKey(makeKey()); };
  const choices = { include_delivered: includesDelivered, ...(extension ? { extend_expiry: Number(extension) } : {}) };
  const preview = useQuery({
    queryKey: ["redrive preview", letter.id, choices],
    queryFn: async () => unwrap(await herold.POST("/v1/redrives", { body: { ids: [letter.id], ...choices, reason: "preview", preview: true } })) as Schemas["RedrivePreview"],
    placeholderData: (before) => before,
    staleTime: 0,
  });
  const start = useAction(() => redrive(letter, key, { ...choices, reason: reason.trim() }), { refresh: KEYS, outdated: KEYS, isQuiet: true, onDone });
  const result = preview.data ? getResult(preview.data) : "", remedy = findRemedy(result);
  const isReady = result === "redriven" && !preview.isPlaceholderData && reason.trim() !== "";
  const submit = (event: FormEvent) => { event.preventDefault(); if (isReady) start.mutate(); };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {preview.isPending ? <SkeletonRows count={1} /> : null}
        {preview.error ? <FailurePanel error={preview.error} onRetry={() => void preview.refetch()} /> : null}
        {preview.data ? <Text size="sm" aria-live="polite">{describeResult(result, letter.stage)}</Text> : null}
        {remedy === "delivered" || includesDelivered ? <Checkbox label="Send it all the same" checked={includesDelivered} onChange={(event) => change(setIncludesDelivered)(event.currentTarget.checked)} /> : null}
        {remedy === "extension" || extension ? <Select label="It may be sent for" data={EXTENSIONS} value={extension} allowDeselect={false} onChange={(value) => change(setExtension)(value ?? "")} /> : null}
        <TextInput label="Reason, for the audit log" maxLength={1000} value={reason} onChange={(event) => change(setReason)(event.currentTarget.value)} data-autofocus />
        {start.error ? <FailurePanel error={start.error} onRetry={() => start.mutate()} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>Cancel</Button>
          <Button type="submit" disabled={!isReady} loading={start.isPending}>{label}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function EditOne(props: { letter: DeadLetter; onCancel: () => void; onDone: () => void }) {
  const { id } = props.letter;
  const details = useQuery({
    queryKey: ["dead letter", id, "exact"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/dead-letters/{dead_letter_id}", { params: { path: { dead_letter_id: id }, query: { exact: true } }, signal })),
    staleTime: Infinity, // each reading is an entry of the audit log
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  return <QueryPanel query={details}>{(data) => <Editor {...props} original={readValue(data)} />}</QueryPanel>;
}

function Editor({ letter, original, onCancel, onDone }: { letter: DeadLetter; original: string; onCancel: () => void; onDone: () => void }) {
  const [key, setKey] = useState(makeKey);
  const [text, setText] = useState(original), [reason, setReason] = useState("");
  const read = readJson(text);
  const start = useAction(() => redrive(letter, key, { reason: reason.trim() }, read.value), { refresh: KEYS, outdated: KEYS, isQuiet: true, onDone });
  const problems = listFieldProblems(start.error);
  const isReady = !!read.value && reason.trim() !== "";
  const submit = (event: FormEvent) => { event.preventDefault(); if (isReady) start.mutate(); };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm">It is validated as a submission is, keeps its id, and goes through all gates. This reading is in the audit log.</Text>
        {letter.error ? <Text size="sm" className="dim">Why it died: {letter.error}</Text> : null}
        <CodeEditor
          label="Notification (JSON)" value={text} minLines={10} errorLine={read.line}
          error={read.problem ?? (problems.length ? problems.map(({ field, text: problem }) => `${field || "it"}: ${problem}`).join("; ") : undefined)}
          onChange={(next) => { setText(next); setKey(makeKey()); start.reset(); }}
        />
        <TextInput label="Reason, for the audit log" maxLength={1000} value={reason} onChange={(event) => { setReason(event.currentTarget.value); setKey(makeKey()); }} />
        {start.error && !problems.length ? <FailurePanel error={start.error} onRetry={() => start.mutate()} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>Cancel</Button>
          <Button type="submit" disabled={!isReady} loading={start.isPending}>Redrive</Button>
        </Group>
      </Stack>
    </form>
  );
}
