import { NativeSelect, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { iterate, ProblemError, unwrap, type Schemas } from "herold-client";
import { showUndo, useAction } from "../actions";
import { herold, queryClient } from "../api";
import {
  buildChoice, buildUndo, findInherited, findPreference, listCategories, type Choice, type DigestChoice, type Preference, type PreferenceChannel,
} from "../preferences";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";
import { QueryPanel } from "./QueryPanel";
import { QuietHours } from "./QuietHours";

type Change = Schemas["PreferenceChange"];

const COLUMNS: readonly (readonly [PreferenceChannel, string])[] = [["", "All channels"], ...CHANNELS.map((channel) => [channel, channel] as const)];
const DIGESTS: readonly DigestChoice[] = ["", "off", "hourly", "daily", "weekly"];

/** What a user chose, by category and channel. Each change is saved at once, and can be taken back. */
export function UserPreferences({ user }: { user: Schemas["User"] }) {
  const preferences = useQuery({
    queryKey: ["preferences", user.id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/users/{user_id}/preferences", { params: { path: { user_id: user.id } }, signal })),
  });
  const categories = useQuery({ queryKey: ["categories"], queryFn: ({ signal }) => readCategories(signal), staleTime: 60_000 });
  return (
    <Stack gap="md">
      <Paper withBorder p="md">
        <Title order={2} mb="xs">What is sent</Title>
        <QueryPanel query={preferences}>
          {({ items }) => <QueryPanel query={categories}>{(names) => <Matrix id={user.id} items={items} categories={listCategories(names, items)} />}</QueryPanel>}
        </QueryPanel>
      </Paper>
      <Paper withBorder p="md"><QuietHours user={user} /></Paper>
    </Stack>
  );
}

function Matrix({ id, items, categories }: { id: string; items: Preference[]; categories: readonly string[] }) {
  const canWrite = useCan("preferences:write");
  const save = useAction(
    async (change: Change) => unwrap(await herold.PATCH("/v1/users/{user_id}/preferences", { params: { path: { user_id: id } }, body: { items: [change] } })),
    { refresh: [["consent events", id], ["user", id]], onDone: (list) => queryClient.setQueryData(["preferences", id], list) },
  );
  const change = (one: Change, what: string) => save.mutate(one, { onSuccess: () => showUndo(`Saved: ${what}`, () => save.mutateAsync(buildUndo(items, one))) });
  return (
    <>
      <div className="list" role="region" aria-label="preferences" tabIndex={0}>
        <table>
          <thead><tr><th style={{ width: "10rem" }}>Category</th>{COLUMNS.map(([, label]) => <th key={label}>{label}</th>)}<th style={{ width: "11rem" }}>Digest</th></tr></thead>
          <tbody>
            {["", ...categories].map((category) => (
              <tr key={category}>
                <th scope="row">{category || "Everything"}</th>
                {COLUMNS.map(([channel, label]) => (
                  <td key={channel}><ChoiceCell {...{ items, category, channel }} name={`${category || "everything"}, ${label}`} isDisabled={!canWrite || save.isPending} onChange={change} /></td>
                ))}
                <td><DigestCell items={items} category={category} isDisabled={!canWrite || save.isPending} onChange={change} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text size="xs" className="dim" mt="xs">
        The most specific choice decides: of category and channel, then of the category, of the channel, of everything. What is in brackets follows from a more general choice; without any, the rule of the message says.
      </Text>
    </>
  );
}

interface CellProps {
  items: Preference[];
  category: string;
  isDisabled: boolean;
  onChange: (change: Change, what: string) => void;
}

function ChoiceCell({ items, category, channel, name, isDisabled, onChange }: CellProps & { channel: PreferenceChannel; name: string }) {
  const inherited = findInherited(items, category, channel);
  const set = (value: string) => onChange(buildChoice(items, category, channel, (value || null) as Choice | null), `${name} is ${value || "no choice"}`);
  return (
    <NativeSelect
      size="xs" variant="unstyled" px="xs" aria-label={name} disabled={isDisabled} value={findPreference(items, category, channel)?.choice ?? ""}
      data={[{ value: "", label: inherited ? `(${inherited})` : "no choice" }, { value: "in", label: "✓ in" }, { value: "out", label: "✕ out" }]}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}

function DigestCell({ items, category, isDisabled, onChange }: CellProps) {
  const stored = findPreference(items, category, "");
  const name = `${category || "everything"}, digest`;
  if (!stored) return <span className="cell dim" title="A digest belongs to a choice for all channels: choose in or out first">as the rule says</span>;
  return (
    <NativeSelect
      size="xs" variant="unstyled" px="xs" aria-label={name} disabled={isDisabled} value={stored.digest ?? ""}
      data={DIGESTS.map((value) => ({ value, label: value || "as the rule says" }))}
      onChange={({ currentTarget: { value } }) => onChange({ category, channel: "", choice: stored.choice, digest: value as DigestChoice }, `${name} is ${value || "as the rule says"}`)}
    />
  );
}

/** The categories that rules have; none for who may not read rules. */
async function readCategories(signal: AbortSignal): Promise<string[]> {
  const names = new Set<string>();
  try {
    for await (const { rule } of iterate(async (cursor) => unwrap(await herold.GET("/v1/rules", { params: { query: { cursor, limit: 200 } }, signal })))) names.add(rule.category);
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 403)) throw error;
  }
  return [...names];
}
