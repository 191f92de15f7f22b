import { Alert, Button, Code, CopyButton, Paper, Stack, Text, Title, Tooltip } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useCallback } from "react";
import { describeFailure, herold, queryClient } from "../api";
import { formatClock, formatCode, formatDuration, formatUtc } from "../format";
import { useLive } from "../live";
import { Page } from "../parts/Page";
import { FailurePanel, SkeletonRows } from "../parts/Panels";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeText } from "../parts/TimeText";
import { usePerson } from "../session";
import { getMark, getTone } from "../statuses";
import { buildTimeline, type Step } from "../timeline";

type Explanation = Schemas["ExplanationResponse"];

const route = getRouteApi("/notifications/$id");

/** One notification: why it was sent or not, and all that happened to it. */
export function NotificationPage() {
  const { id } = route.useParams();
  const { user_id } = route.useSearch();
  const { permissions } = usePerson();
  const story = useQuery({
    queryKey: ["explanation", id, user_id],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/notifications/{notification_id}/explain", { params: { path: { notification_id: id }, query: { user_id } }, signal })),
  });
  const canCancel = story.data?.state === "held" && permissions.includes("notifications:change");
  return (
    <Page title={story.data ? `${story.data.type} to ${story.data.user_id}` : "Notification"} actions={<>{canCancel ? <CancelButton id={id} /> : null}<CopyId id={id} /></>}>
      {permissions.includes("live:read") ? <Refresher id={id} /> : null}
      {story.error ? <FailurePanel error={story.error} onRetry={() => void story.refetch()} /> : null}
      {story.isPending ? <SkeletonRows count={8} /> : null}
      {story.data ? <Story explanation={story.data} /> : null}
    </Page>
  );
}

function Story({ explanation }: { explanation: Explanation }) {
  return (
    <div className="columns">
      <Stack gap="md">
        <Alert role="note" variant="light" color={{ good: "green", waiting: "yellow", neutral: "gray", bad: "red" }[getTone(explanation.state)]} title={explanation.summary}>
          {explanation.remedy ? <>To change it: {explanation.remedy}</> : null}
        </Alert>
        <Paper withBorder p="md"><Title order={2} mb="xs">What happened</Title><Timeline steps={buildTimeline(explanation)} /></Paper>
        <Paper withBorder p="md"><Title order={2} mb="xs">Gates</Title><Gates gates={explanation.gates} /></Paper>
      </Stack>
      <Paper withBorder p="md"><Facts explanation={explanation} /></Paper>
    </div>
  );
}

function Timeline({ steps }: { steps: Step[] }) {
  return (
    <ol className="steps">
      {steps.map((step, number) => (
        <li key={number}>
          {step.wait ? <span className="wait dim">{formatDuration(step.wait)} later</span> : null}
          <time className="number" dateTime={new Date(step.at * 1000).toISOString()} title={formatUtc(step.at)}>{formatClock(step.at)}</time>
          <span className={`tone-${getTone(step.status)}`} aria-hidden>{getMark(step.status)}</span>
          <span><b>{step.title}</b> {formatCode(step.status)}{step.detail ? <span className="dim"> · {step.detail}</span> : null}</span>
        </li>
      ))}
    </ol>
  );
}

function Gates({ gates }: { gates: Explanation["gates"] }) {
  if (!gates.length) return <Text size="sm" className="dim">No gate has judged it.</Text>;
  return (
    <ol className="steps">
      {gates.map((gate, number) => (
        <li key={number}>
          <Tooltip label={gate.description} multiline w={260} disabled={!gate.description}><b tabIndex={0}>{formatCode(gate.gate)}</b></Tooltip>
          <span className={`tone-${getTone(gate.verdict)}`} aria-hidden>{getMark(gate.verdict)}</span>
          <span>
            {formatCode(gate.verdict)}{gate.meaning ? <span className="dim"> · {gate.meaning}</span> : null}
            {gate.remedy ? <div>To change it: {gate.remedy}</div> : null}
            {Object.keys(gate.inputs).length ? <details><summary className="dim">what it saw</summary><Code block>{JSON.stringify(gate.inputs, null, 2)}</Code></details> : null}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Facts({ explanation }: { explanation: Explanation }) {
  const facts: [string, React.ReactNode][] = [
    ["State", <StatusBadge status={explanation.state} />],
    ["Id", <span className="mono">{explanation.id}</span>],
    ["User", <Link to="/notifications" search={{ user_id: explanation.user_id }}>{explanation.user_id}</Link>],
    ["Type", <Link to="/notifications" search={{ type: explanation.type }}>{explanation.type}</Link>],
    ["Category", explanation.category],
    ["Priority", explanation.priority],
    ["Created", explanation.created_at ? <TimeText at={explanation.created_at} /> : ""],
    ["Expires", explanation.expires_at ? <TimeText at={explanation.expires_at} /> : ""],
    ["Rule", explanation.rule],
    ["Templates", Object.entries(explanation.templates).map(([channel, version]) => `${channel}: ${String(version)}`).join(", ")],
    ["Duplicate of", explanation.duplicate_of ? <Link to="/notifications/$id" params={{ id: explanation.duplicate_of }}>{explanation.duplicate_of}</Link> : ""],
    ["Broadcast", explanation.broadcast],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function CopyId({ id }: { id: string }) {
  return <CopyButton value={id}>{({ copied, copy }) => <Button size="xs" variant="default" onClick={copy}>{copied ? "Copied" : "Copy id"}</Button>}</CopyButton>;
}

function CancelButton({ id }: { id: string }) {
  const cancel = useMutation({
    mutationFn: async () => unwrap(await herold.DELETE("/v1/notifications/{notification_id}", { params: { path: { notification_id: id } } })),
    onSuccess: () => notifications.show({ message: "It is being cancelled" }),
    onError: (error) => notifications.show({ color: "red", title: describeFailure(error).title, message: describeFailure(error).detail }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["explanation", id] }),
  });
  return <Button size="xs" color="red" variant="light" loading={cancel.isPending} onClick={() => cancel.mutate()}>Cancel it</Button>;
}

// what happens to it is read again when the live view says that something did, and once more when the history has it, too
function Refresher({ id }: { id: string }) {
  const read = useCallback(() => void queryClient.invalidateQueries({ queryKey: ["explanation", id] }), [id]);
  const readLater = useDebouncedCallback(read, 1_000);
  useLive({ notification_id: id }, () => {
    read();
    readLater();
  });
  return null;
}
