import { Button, Group, Modal, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ProblemError, unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { isConflict } from "../actions";
import { herold, queryClient } from "../api";
import { findFieldError } from "../fieldErrors";
import { formatCount } from "../format";
import { formatWindow } from "../rules";
import { useCan } from "../session";
import { CHANNELS } from "../statuses";
import { Filters, type FilterField } from "./Filters";
import { FormFailure } from "./Forms";
import { EmptyPanel, FailurePanel } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordList, usePagedList } from "./RecordList";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type Stored = Schemas["RateLimitResponse"];
type Version = Schemas["RateLimitVersion"];
type ChannelOrAll = "all" | "email" | "sms" | "push" | "webhook";
interface Key {
  channel: ChannelOrAll;
  window: number;
  category: string;
  tier: string;
}

const route = getRouteApi("/rules");
const FIELDS: FilterField[] = [{ name: "channel", label: "Channel", values: ["all", ...CHANNELS] }, { name: "category", label: "Category" }];
const NEW = "new";

/** How many notifications a user gets in a window; each limit with its versions. */
export function RateLimits() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("rate-limits:write");
  const { channel, category } = search;
  const list = usePagedList<Stored>(["rate limits", channel, category], async (cursor, signal) =>
    unwrap(await herold.GET("/v1/rate-limits", { params: { query: { channel, category, cursor } }, signal })));
  const show = (limit: string | undefined) => void navigate({ search: { ...search, limit }, replace: true });
  const columns: Column<Stored>[] = [
    { title: "Channel", width: "8rem", render: ({ limit }) => limit.channel || "all together" },
    { title: "Category", render: ({ limit }) => limit.category || "all" },
    { title: "Users of tier", render: ({ limit }) => limit.tier || "all" },
    { title: "At most", width: "7rem", isNumber: true, render: ({ limit }) => formatCount(limit.max_count) },
    { title: "In", width: "7rem", isNumber: true, render: ({ limit }) => formatWindow(limit.window_seconds) },
    { title: "Version", width: "5rem", isNumber: true, render: ({ version }) => version },
    { title: "Action", width: "8rem", isAction: true, render: ({ limit }) => <Button size="compact-xs" variant="light" onClick={() => show(writeKey(limit))}>{canWrite ? "Change" : "Versions"}</Button> },
  ];
  const key = search.limit && search.limit !== NEW ? readKey(search.limit) : undefined;
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <Filters fields={FIELDS} values={{ channel, category }} onChange={(values) => void navigate({ search: { tab: "limits", channel: values["channel"] as ChannelOrAll | undefined, category: values["category"] }, replace: true })} />
        {canWrite ? <Button size="xs" onClick={() => show(NEW)}>New limit</Button> : null}
      </Group>
      <RecordList
        list={list} isFiltered={!!channel || !!category}
        empty={<EmptyPanel title="No rate limits yet">Users get all that rules let pass. A limit counts the notifications of a user in any window of time.</EmptyPanel>}
        noMatch={<EmptyPanel title="No limit matches">Clear a filter. A category has to be written as a whole.</EmptyPanel>}
      >
        {(rows) => <RecordTable label="rate limits" rows={rows} columns={columns} getKey={({ limit }) => writeKey(limit)} />}
      </RecordList>
      <Modal opened={!!search.limit && (!!key || canWrite)} onClose={() => show(undefined)} size="lg" title={key ? describeKey(key) : "New rate limit"}>
        {key ? <StoredLimit limitKey={key} canWrite={canWrite} onDone={() => show(undefined)} /> : <NewLimit onDone={() => show(undefined)} />}
      </Modal>
    </>
  );
}

const writeKey = (limit: Schemas["RateLimit"]) => [limit.channel || "all", limit.window_seconds, limit.category ?? "", limit.tier ?? ""].join("|");

function readKey(text: string): Key | undefined {
  const [channel = "", window = "", category = "", tier = ""] = text.split("|");
  return Number(window) > 0 ? { channel: channel as ChannelOrAll, window: Number(window), category, tier } : undefined;
}

const describeKey = ({ channel, window, category, tier }: Key) =>
  `${channel === "all" ? "All channels" : channel} in ${formatWindow(window)}${category ? `, ${category}` : ""}${tier ? `, users of tier ${tier}` : ""}`;

const toParams = ({ channel, window, category, tier }: Key, comment?: string) => ({ path: { channel, window_seconds: window }, query: { category, tier, ...(comment ? { comment } : {}) } });

const refresh = () => queryClient.invalidateQueries({ queryKey: ["rate limits"] });

const VERSION_COLUMNS: Column<Version>[] = [
  { title: "Version", width: "5rem", isNumber: true, render: (row) => row.version },
  { title: "At most", width: "6rem", isNumber: true, render: (row) => (row.max_count === null ? "deleted" : formatCount(row.max_count)) },
  { title: "At", width: "13.5rem", render: (row) => <TimeText at={row.changed_at} /> },
  { title: "By", width: "7rem", render: (row) => row.actor },
  { title: "Comment", render: (row) => row.comment },
];

function StoredLimit({ limitKey, canWrite, onDone }: { limitKey: Key; canWrite: boolean; onDone: () => void }) {
  const limit = useQuery({
    queryKey: ["rate limits", "one", limitKey],
    queryFn: async ({ signal }) => {
      return unwrap(await herold.GET("/v1/rate-limits/{channel}/{window_seconds}", { params: toParams(limitKey), signal }));
    },
    staleTime: 0,
  });
  const versions = usePagedList(["rate limits", "versions", limitKey], async (cursor, signal) => {
    const { path, query } = toParams(limitKey);
    return unwrap(await herold.GET("/v1/rate-limits/{channel}/{window_seconds}/versions", { params: { path, query: { ...query, cursor } }, signal }));
  });
  return (
    <QueryPanel query={limit}>
      {(stored) => (
        <Stack gap="md">
          {canWrite ? <LimitForm key={stored.version} limitKey={limitKey} stored={stored} onDone={onDone} /> : null}
          <div>
            <RecordList list={versions} empty={null}>
              {(rows) => <RecordTable label="versions of the limit" rows={rows} columns={VERSION_COLUMNS} getKey={(row) => String(row.version)} />}
            </RecordList>
          </div>
        </Stack>
      )}
    </QueryPanel>
  );
}

export function LimitForm({ limitKey, stored, onDone }: { limitKey: Key; stored: Stored; onDone: () => void }) {
  const [count, setCount] = useState<number | string>(stored.limit.max_count);
  const [comment, setComment] = useState("");
  const headers = { header: { "If-Match": `"${stored.version}"` } };
  const done = (message: string) => { notifications.show({ message }); void refresh(); onDone(); };
  const save = useMutation({
    mutationFn: async () => unwrap(await herold.PUT("/v1/rate-limits/{channel}/{window_seconds}", { params: { ...toParams(limitKey, comment), ...headers }, body: { max_count: Number(count) } })),
    onSuccess: () => done("The limit is changed: it counts within a few seconds"),
  });
  const remove = useMutation({
    mutationFn: async () => {
      const answer = await herold.DELETE("/v1/rate-limits/{channel}/{window_seconds}", { params: { ...toParams(limitKey, comment), ...headers } });
      if (!answer.response.ok) unwrap(answer);
    },
    onSuccess: () => done("The limit is deleted: nothing is counted for it any more"),
  });
  // each begins with a clean form: the failure of the other is over
  const start = (one: Pick<typeof save, "reset"> & { mutate: () => void }, other: Pick<typeof save, "reset">) => {
    other.reset();
    one.mutate();
  };
  const error = save.error ?? remove.error;
  const retry = () => {
    if (isConflict(error)) return void refresh();
    (remove.error ? remove : save).mutate();
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); start(save, remove); }}>
      <Stack gap="sm">
        {remove.error ? <FailurePanel error={remove.error} onRetry={retry} /> : <FormFailure error={save.error} fields={["max_count"]} onRetry={retry} />}
        <NumberInput label="At most, for each user" min={1} value={count} onChange={setCount} error={findFieldError(save.error, "max_count")} data-autofocus />
        <TextInput label="Comment" description="Why, for the history" value={comment} maxLength={1000} onChange={(event) => setComment(event.currentTarget.value)} />
        <Group justify="space-between">
          <Button variant="subtle" color="red" className="tone-bad" loading={remove.isPending} disabled={save.isPending} onClick={() => start(remove, save)}>Delete the limit</Button>
          <Button type="submit" loading={save.isPending} disabled={remove.isPending || Number(count) < 1 || Number(count) === stored.limit.max_count}>Save</Button>
        </Group>
      </Stack>
    </form>
  );
}

const WINDOWS = [60, 3_600, 86_400, 604_800].map((seconds) => ({ value: String(seconds), label: formatWindow(seconds) }));

function NewLimit({ onDone }: { onDone: () => void }) {
  const [key, setKey] = useState<Key>({ channel: "all", window: 86_400, category: "", tier: "" });
  const [count, setCount] = useState<number | string>(10);
  const [comment, setComment] = useState("");
  const save = useMutation({
    mutationFn: async () => unwrap(await herold.PUT("/v1/rate-limits/{channel}/{window_seconds}", { params: toParams(key, comment), body: { max_count: Number(count) } })),
    onSuccess: () => { notifications.show({ message: "The limit is created: it counts within a few seconds" }); void refresh(); onDone(); },
  });
  const exists = save.error instanceof ProblemError && save.error.status === 428;
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <Stack gap="sm">
        {exists ? <EmptyPanel title="There is such a limit already">Change that one instead: it is in the list.</EmptyPanel> : <FormFailure error={save.error} fields={["category", "tier", "max_count"]} onRetry={() => save.mutate()} />}
        <Select label="Channel" data={["all", ...CHANNELS]} value={key.channel} allowDeselect={false} onChange={(channel) => setKey({ ...key, channel: (channel ?? "all") as ChannelOrAll })} />
        <TextInput label="Category" description="Empty: all categories" value={key.category} error={findFieldError(save.error, "category")} onChange={(event) => setKey({ ...key, category: event.currentTarget.value })} />
        <TextInput label="Users of tier" description="Empty: all users" value={key.tier} error={findFieldError(save.error, "tier")} onChange={(event) => setKey({ ...key, tier: event.currentTarget.value })} />
        <Select label="Window" data={WINDOWS} value={String(key.window)} allowDeselect={false} onChange={(window) => setKey({ ...key, window: Number(window) })} />
        <NumberInput label="At most, for each user" min={1} value={count} onChange={setCount} error={findFieldError(save.error, "max_count")} />
        <TextInput label="Comment" description="Why, for the history" value={comment} maxLength={1000} onChange={(event) => setComment(event.currentTarget.value)} />
        <Group justify="flex-end"><Button type="submit" loading={save.isPending} disabled={Number(count) < 1}>Create</Button></Group>
      </Stack>
    </form>
  );
}
