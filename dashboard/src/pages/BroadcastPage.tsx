import "../sending.css";

import { Alert, Code, Group, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { describeRate, findProgress, getBroadcastTone, isGoing, listActions, listCounts, type Broadcast, type BroadcastAction } from "../broadcasts";
import { formatCode, formatCount, formatMoment } from "../format";
import { ActionButton, DialogButton } from "../parts/Actions";
import { Page } from "../parts/Page";
import { QueryPanel } from "../parts/QueryPanel";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeText } from "../parts/TimeText";
import { useCan } from "../session";

const route = getRouteApi("/broadcasts/$id");
const POLL_MS = 1_000;

/** One broadcast: how far it is, what became of its notifications, and what can be done. */
export function BroadcastPage() {
  const { id } = route.useParams();
  const canControl = useCan("broadcasts:control");
  const broadcast = useQuery({
    queryKey: ["broadcast", id],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/broadcasts/{broadcast_id}", { params: { path: { broadcast_id: id } }, signal })) as Broadcast,
    refetchInterval: ({ state }) => (state.data && isGoing(state.data) ? POLL_MS : false),
  });
  return (
    <Page title={broadcast.data ? `Broadcast of ${broadcast.data.notification.type}` : "Broadcast"} actions={broadcast.data && canControl ? <Controls broadcast={broadcast.data} /> : null}>
      <QueryPanel query={broadcast}>
        {(data) => (
          <div className="columns">
            <Stack gap="md"><Going broadcast={data} /><Results broadcast={data} /><Message broadcast={data} /></Stack>
            <Paper withBorder p="md"><Facts broadcast={data} /></Paper>
          </div>
        )}
      </QueryPanel>
    </Page>
  );
}

const LABELS: Record<BroadcastAction, string> = { pause: "Pause", resume: "Resume", cancel: "Cancel it" };

function Controls({ broadcast }: { broadcast: Broadcast }) {
  const keys = [["broadcast", broadcast.id], ["broadcasts"]], path = { broadcast_id: broadcast.id };
  const act = (action: BroadcastAction) => async (reason: string) => unwrap(await herold.POST(`/v1/broadcasts/{broadcast_id}/${action}`, { params: { path }, body: { reason } }));
  return listActions(broadcast).map((action) => action === "cancel" ? (
    <DialogButton key={action} label={LABELS[action]} color="red" variant="light" title="Cancel this broadcast?" asksReason keys={keys} run={act(action)} done="It is being cancelled">
      No further user gets it{broadcast.counts === undefined ? "" : ", and what the scheduler holds of it is cancelled"}. {formatCount(broadcast.expanded_count)} notifications are produced already: what is on its way to a provider is sent.
    </DialogButton>
  ) : <ActionButton key={action} label={LABELS[action]} keys={keys} run={act(action)} />);
}

function Going({ broadcast }: { broadcast: Broadcast }) {
  const progress = findProgress(broadcast), { cancellation } = broadcast;
  return (
    <Paper withBorder p="md" component="section" aria-label="progress">
      <Group justify="space-between" mb="xs">
        <StatusBadge status={broadcast.state} tone={getBroadcastTone(broadcast.state)} />
        <Text size="sm" className="number">{formatCount(broadcast.expanded_count)} {broadcast.total_count === null ? "users so far" : `of ${formatCount(broadcast.total_count)} users`}</Text>
      </Group>
      <Progress value={progress ?? 0} aria-label="progress" />
      {broadcast.error ? <Alert role="alert" color="red" variant="light" mt="sm" title="It failed">{broadcast.error}</Alert> : null}
      {cancellation ? (
        <Text size="sm" mt="sm" className="number">{formatCount(cancellation.cancelled_count)} that waited are cancelled{cancellation.is_done ? "; nothing waits any more." : `, ${formatCount(cancellation.checked_count)} looked at.`}</Text>
      ) : null}
    </Paper>
  );
}

function Results({ broadcast: { counts } }: { broadcast: Broadcast }) {
  if (!counts) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label="results">
      <Group justify="space-between" mb="xs"><Title order={2}>What became of it</Title><Text size="xs" className="dim number">as of {formatMoment(counts.counted_at)}</Text></Group>
      <div className="sending-cards">
        <Counts title="Notifications" rows={listCounts(counts.notifications, counts.notification_reasons)} />
        <Counts title="Deliveries" rows={listCounts(counts.deliveries, counts.delivery_reasons)} />
      </div>
      {counts.waiting_count ? <Text size="sm" mt="sm" className="number">{formatCount(counts.waiting_count)} wait in the scheduler: they are held, or are tried again.</Text> : null}
    </Paper>
  );
}

function Counts({ title, rows }: { title: string; rows: ReturnType<typeof listCounts> }) {
  return (
    <table className="counts">
      <caption>{title}</caption>
      <tbody>
        {rows.map(({ name, count, reasons }) => [
          <tr key={name}><th scope="row"><StatusBadge status={name} /></th><td className="number">{formatCount(count)}</td></tr>,
          ...reasons.map(([reason, number]) => <tr key={`${name} ${reason}`} className="dim"><th scope="row">{formatCode(reason)}</th><td className="number">{formatCount(number)}</td></tr>),
        ])}
        {rows.length ? null : <tr><td className="dim">none yet</td></tr>}
      </tbody>
    </table>
  );
}

function Message({ broadcast: { notification } }: { broadcast: Broadcast }) {
  const rest = Object.entries({ template: notification.template, channels: notification.channels?.join(", "), category: notification.category, locale: notification.locale }).filter(([, value]) => value);
  return (
    <Paper withBorder p="md" component="section" aria-label="notification">
      <Title order={2} mb="xs">Notification</Title>
      <dl className="facts">
        <dt>type</dt><dd><Link to="/notifications" search={{ type: notification.type }}>{notification.type}</Link></dd>
        {rest.map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      <Code block mt="xs" tabIndex={0}>{JSON.stringify(notification.data ?? {}, null, 2)}</Code>
    </Paper>
  );
}

function Facts({ broadcast }: { broadcast: Broadcast }) {
  return (
    <dl className="facts">
      <dt>To</dt><dd>{broadcast.audience ? <Link to="/audiences/$name" params={{ name: broadcast.audience }}>{broadcast.audience}</Link> : `${formatCount(broadcast.user_count)} users by name`}</dd>
      <dt>Priority</dt><dd>{broadcast.priority ?? "as the rule says"}</dd>
      <dt>Rate</dt><dd className="number">{describeRate(broadcast.rate)}</dd>
      <dt>Created</dt><dd><TimeText at={broadcast.created_at} /></dd>
      {broadcast.started_at ? <><dt>Started</dt><dd><TimeText at={broadcast.started_at} /></dd></> : null}
      {broadcast.ended_at ? <><dt>Ended</dt><dd><TimeText at={broadcast.ended_at} /></dd></> : null}
      <dt>By</dt><dd>{broadcast.created_by}</dd>
      {broadcast.run_at ? <><dt>Run of</dt><dd><TimeText at={broadcast.run_at} /></dd></> : null}
      <dt>Id</dt><dd className="mono">{broadcast.id}</dd>
    </dl>
  );
}
