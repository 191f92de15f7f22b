import { Alert, Button, FileButton, Group, Paper, Stack, Text, Textarea, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { ProblemError, unwrap } from "herold-client";
import { useState } from "react";
import { showUndo } from "../actions";
import { herold, queryClient } from "../api";
import { splitTexts } from "../splitTexts";
import { formatCount } from "../format";
import { ActionButton } from "./Actions";
import { FailurePanel } from "./Panels";

const CHUNK = 1_000; // users of one request

async function change(audience: string, members: { add?: string[]; remove?: string[] }) {
  return unwrap(await herold.PATCH("/v1/audiences/{name}/members", { params: { path: { name: audience } }, body: { add: [], remove: [], preview: false, ...members } }));
}

const readAgain = (audience: string) => Promise.all(["audience members", "audience preview"].map((key) => queryClient.invalidateQueries({ queryKey: [key, audience] })));

/** Takes a user out of a list; it can be undone for ten seconds. */
export function RemoveMember({ audience, userId }: { audience: string; userId: string }) {
  return (
    <ActionButton
      label="Remove" size="compact-xs" keys={[["audience members", audience], ["audience preview", audience]]} run={() => change(audience, { remove: [userId] })}
      onDone={() => showUndo(`${userId} is no member any more`, async () => {
        await change(audience, { add: [userId] });
        await readAgain(audience);
      })}
    />
  );
}

/** Adds users by their ids, pasted or of a file; ids that nobody has are named, and nothing of their thousand is added. */
export function ImportMembers({ audience }: { audience: string }) {
  const [text, setText] = useState("");
  const ids = splitTexts(text);
  const add = useMutation({
    mutationFn: async () => {
      let added = 0;
      for (let start = 0; start < ids.length; start += CHUNK) added += (await change(audience, { add: ids.slice(start, start + CHUNK) })).added;
      return added;
    },
    onSuccess: () => setText(""),
    onSettled: () => readAgain(audience),
  });
  const unknown = add.error ? listUnknown(add.error) : [];
  return (
    <Paper withBorder p="md" component="form" aria-label="add users" onSubmit={(event: React.FormEvent) => {
      event.preventDefault();
      if (ids.length) add.mutate();
    }}>
      <Title order={2} mb="xs">Add users</Title>
      <Stack gap="sm">
        <Textarea label="Ids" description="in lines, or with commas between them" autosize minRows={3} maxRows={12} spellCheck={false} classNames={{ input: "mono" }} value={text} onChange={(event) => {
          setText(event.currentTarget.value);
          if (!add.isIdle) add.reset();
        }} />
        {unknown.length ? (
          <Alert role="alert" color="red" variant="light" title="Some of these users do not exist">
            <Text size="sm">{unknown.slice(0, 10).join(", ")}{unknown.length > 10 ? ` and ${formatCount(unknown.length - 10)} more` : ""}</Text>
            <Button size="compact-xs" variant="default" mt="xs" onClick={() => {
              setText(ids.filter((id) => !unknown.includes(id)).join("\n"));
              add.reset();
            }}>Take them out</Button>
          </Alert>
        ) : add.error ? <FailurePanel error={add.error} onRetry={() => add.mutate()} /> : null}
        <Group justify="space-between">
          <FileButton accept="text/plain,text/csv" onChange={(file) => void file?.text().then((read) => setText([text, read].filter(Boolean).join("\n")))}>
            {(props) => <Button {...props} size="xs" variant="default">From a file</Button>}
          </FileButton>
          <Button type="submit" size="xs" disabled={!ids.length} loading={add.isPending}>Add {ids.length ? formatCount(ids.length) : ""}</Button>
        </Group>
        <Text size="sm" role="status" mih="1.4rem">{add.isSuccess ? `${formatCount(add.data)} were added.` : ""}</Text>
      </Stack>
    </Paper>
  );
}

// a detail quotes the id: there is no user 'u-1'
const listUnknown = (error: unknown): string[] =>
  error instanceof ProblemError ? (error.problem.errors ?? []).filter((found) => found.reason === "unknown_user").map((found) => /'(.*)'$/.exec(found.detail)?.[1] ?? found.detail) : [];
