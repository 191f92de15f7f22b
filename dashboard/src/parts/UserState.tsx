import { Alert, Button, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold } from "../api";
import { formatClock, formatCode, formatCount, formatDuration, formatMoment } from "../format";
import { useCan } from "../session";
import { ActionDialog } from "./ActionDialog";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { TimeText } from "./TimeText";

type State = Schemas["UserStateResponse"];
type Window = Schemas["RateWindowResponse"];

const POLL_MS = 5_000;

/** What the tables of the workers hold of a user now: how full the rate windows are, and what waits. */
export function UserState({ id }: { id: string }) {
  const canReset = useCan("rate-windows:reset");
  const [isResetting, setResetting] = useState(false);
  const state = useQuery({
    queryKey: ["user state", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/users/{user_id}/state", { params: { path: { user_id: id } }, signal })),
    refetchInterval: POLL_MS,
  });
  return (
    <QueryPanel query={state}>
      {(data) => (
        <Stack gap="md">
          {Object.entries(data.unavailable).map(([role, why]) => <Alert key={role} role="note" color="yellow" variant="light" title={`The ${role} does not answer`}>{why}</Alert>)}
          <Paper withBorder p="md">
            <Group justify="space-between" mb="xs">
              <Title order={2}>Rate windows</Title>
              {canReset && data.rate_windows.some((window) => window.used_count) ? <Button size="xs" variant="default" onClick={() => setResetting(true)}>Empty them</Button> : null}
            </Group>
            <Windows windows={data.rate_windows} />
          </Paper>
          <Paper withBorder p="md"><Title order={2} mb="xs">What waits</Title><Waiting state={data} /></Paper>
          <Paper withBorder p="md"><Title order={2} mb="xs">Idempotency keys in force</Title><Keys state={data} /></Paper>
          <Text size="xs" className="dim number">
            As of {formatClock(data.read_at)}, from {Object.entries(data.workers).map(([role, worker]) => `${role} ${worker}`).join(", ") || "no worker"}.
            {data.truncated.length ? ` Of ${data.truncated.map(formatCode).join(", ")} only the first 500 rows are shown.` : ""}
          </Text>
          {isResetting ? <Reset id={id} onClose={() => setResetting(false)} /> : null}
        </Stack>
      )}
    </QueryPanel>
  );
}

function Windows({ windows }: { windows: Window[] }) {
  if (!windows.length) return <Text size="sm" className="dim">No rate limit counts for this user.</Text>;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
      {windows.map((window) => (
        <div key={describeWindow(window)}>
          <Group justify="space-between" wrap="nowrap" gap="xs">
            <Text size="sm">{describeWindow(window)}</Text>
            <Text size="sm" className="number">{formatCount(window.used_count)} of {formatCount(window.max_count)}</Text>
          </Group>
          <Progress value={window.max_count ? Math.min(100, (100 * window.used_count) / window.max_count) : 100} color={window.has_room ? undefined : "red"} aria-label={`${window.used_count} of ${window.max_count} used, ${describeWindow(window)}`} />
          <Text size="xs" className="dim number">{window.has_room ? "has room" : window.room_again_at ? <>full, room again at {formatMoment(window.room_again_at)}</> : "never has room"}</Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

const describeWindow = ({ channel, category, tier, window_seconds }: Window) =>
  [channel || "all channels", category && `category ${category}`, tier && `tier ${tier}`, `in ${describeSpan(window_seconds)}`].filter(Boolean).join(", ");

const describeSpan = (seconds: number) => seconds % 86_400 === 0 ? count(seconds / 86_400, "day") : seconds % 3_600 === 0 ? count(seconds / 3_600, "hour") : formatDuration(seconds);
const count = (value: number, unit: string) => (value === 1 ? `a${unit === "hour" ? "n" : ""} ${unit}` : `${value} ${unit}s`);

interface Wait {
  id: string;
  what: string;
  at: number;
  priority: string;
}
const WAIT_COLUMNS: Column<Wait>[] = [
  { title: "Until", width: "14rem", render: (wait) => <TimeText at={wait.at} /> },
  { title: "What", render: (wait) => wait.what },
  { title: "Priority", width: "6rem", render: (wait) => wait.priority },
  { title: "Id", isAction: true, render: (wait) => (wait.id.startsWith("ntf_") ? <Link className="link" to="/notifications/$id" params={{ id: wait.id }}>{wait.id}</Link> : wait.id) },
];

function Waiting({ state }: { state: State }) {
  const waits: Wait[] = [
    ...state.scheduled.map(({ id, due_at, priority, resume_count }) => ({ id, what: resume_count ? `held, resumed ${resume_count === 1 ? "once" : `${resume_count} times`}` : "held", at: due_at, priority })),
    ...state.digests.map(({ id, type, count, ends_at, priority }) => ({ id, what: `digest ${type} with ${formatCount(count)}`, at: ends_at, priority })),
  ];
  if (!waits.length) return <Text size="sm" className="dim">Nothing waits for this user.</Text>;
  return <RecordTable label="what waits" rows={waits.toSorted((a, b) => a.at - b.at)} columns={WAIT_COLUMNS} getKey={(wait) => wait.id} />;
}

const KEY_COLUMNS: Column<Schemas["IdempotencyKeyResponse"]>[] = [
  { title: "Received", width: "14rem", render: (key) => <TimeText at={key.received_at} /> },
  { title: "Key", render: (key) => (key.key === key.notification_id ? <span className="dim">its id</span> : <span className="mono">{key.key}</span>) },
  { title: "Ends", width: "14rem", render: (key) => <TimeText at={key.expires_at} /> },
  { title: "First notification", isAction: true, render: (key) => <Link className="link" to="/notifications/$id" params={{ id: key.notification_id }}>{key.notification_id}</Link> },
];

function Keys({ state }: { state: State }) {
  if (!state.idempotency_keys.length) return <Text size="sm" className="dim">None: any notification would be a first one.</Text>;
  return <RecordTable label="idempotency keys" rows={state.idempotency_keys} columns={KEY_COLUMNS} getKey={(key) => key.key} />;
}

function Reset({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <ActionDialog
      title="Empty the rate windows" confirm="Empty them" asksReason onClose={onClose} done="The windows are empty" refresh={[["user state", id]]}
      act={async (reason) => unwrap(await herold.DELETE("/v1/users/{user_id}/rate-windows", { params: { path: { user_id: id }, query: { reason } } }))}
    >
      What the user has got counts no more, so that the next notifications are not over a limit. What waits already waits on.
    </ActionDialog>
  );
}
