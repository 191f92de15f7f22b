import { Alert, Button, CopyButton, Paper, Stack, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useCallback, useEffect, useRef, useState } from "react";
import { describeFailure, herold, queryClient } from "../api";
import type { DeadLetter } from "../deadLetters";
import { formatCode, formatDuration, formatMoment, formatUtc } from "../format";
import { useLive } from "../live";
import { DeadLetterActions } from "../parts/DeadLetterActions";
import { Gates } from "../parts/Gates";
import { NotificationDeadLetters, useDeadLetters } from "../parts/NotificationDeadLetters";
import { NotificationRecords } from "../parts/NotificationRecords";
import { Page } from "../parts/Page";
import { FailurePanel, SkeletonRows } from "../parts/Panels";
import { StatusBadge } from "../parts/StatusBadge";
import { TimeText } from "../parts/TimeText";
import { UserLink } from "../parts/UserLink";
import { usePerson } from "../session";
import { buildCurl, listSiblings } from "../siblings";
import { getMark, getTone, judgeOutcome } from "../statuses";
import { buildTimeline, describeDistance, listUpcoming, type Step, type Upcoming } from "../timeline";

type Explanation = Schemas["ExplanationResponse"];

const route = getRouteApi("/notifications/$id");
const READ_AGAIN_MS = [1_000, 4_000, 15_000]; // the history is a moment behind the live view, on a busy server seconds

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
  const canTry = permissions.includes("notifications:send") || permissions.includes("preferences:read");
  const letters = useDeadLetters(id, story.data?.user_id), open = letters.find((letter) => letter.state === "open");
  const canCancel = (story.data?.state === "held" || !!story.data?.escalates_at) && permissions.includes("notifications:change");
  return (
    <Page title={story.data ? `${story.data.type} to ${story.data.user_id}` : "Notification"} actions={<>{canCancel ? <CancelButton id={id} userId={story.data?.user_id} isSent={story.data?.state !== "held"} /> : null}{open && letters.length === 1 ? <DeadLetterActions letter={open} label="Send again" only={["redrive"]} /> : null}{story.data && canTry ? <TryAgain explanation={story.data} /> : null}<Copy label="Copy as curl" text={buildCurl(location.origin, id, user_id)} /><Copy label="Copy id" text={id} /></>}>
      {permissions.includes("live:read") ? <Refresher id={id} /> : null}
      {story.error ? <FailurePanel error={story.error} onRetry={() => void story.refetch()} /> : null}
      {story.isPending ? <SkeletonRows count={8} /> : null}
      {story.data ? <Story explanation={story.data} letters={letters} /> : null}
    </Page>
  );
}

function Story({ explanation, letters }: { explanation: Explanation; letters: readonly DeadLetter[] }) {
  const tone = judgeOutcome(explanation.state, explanation.deliveries.map(({ status }) => status));
  return (
    <div className="columns">
      <Stack gap="md">
        <Alert role="note" variant="light" color={{ good: "green", waiting: "yellow", neutral: "gray", bad: "red" }[tone]} title={explanation.summary}>
          {explanation.remedy ? <>To change it: {explanation.remedy}</> : null}
        </Alert>
        <Paper withBorder p="md"><Title order={2} mb="xs">What happened</Title><Timeline steps={buildTimeline(explanation)} upcoming={listUpcoming(explanation)} /></Paper>
        <NotificationDeadLetters letters={letters} />
        <NotificationRecords key={explanation.id} explanation={explanation} />
        <Paper withBorder p="md"><Title order={2} mb="xs">Gates</Title><Gates gates={explanation.gates} /></Paper>
      </Stack>
      <Stack gap="md">
        <Paper withBorder p="md"><Facts explanation={explanation} /></Paper>
        <Siblings explanation={explanation} />
      </Stack>
    </div>
  );
}

function Timeline({ steps, upcoming }: { steps: Step[]; upcoming: Upcoming[] }) {
  return (
    <ol className="steps">
      {steps.map((step, number) => (
        <li key={number}>
          {step.wait ? <span className="wait dim">{formatDuration(step.wait)} later</span> : null}
          <time className="number" dateTime={new Date(step.at * 1000).toISOString()} title={formatUtc(step.at)}>{formatMoment(step.at)}</time>
          <span className={`tone-${getTone(step.status)}`} aria-hidden>{getMark(step.status)}</span>
          <span><b>{step.title}</b> {formatCode(step.status)}{step.detail ? <span className="dim"> · {step.detail}</span> : null}</span>
        </li>
      ))}
      {upcoming.map(({ at, title }) => <Next key={`${title} ${at}`} at={at} title={title} />)}
    </ol>
  );
}

/** What it waits for, counted down by the second. */
function Next({ at, title }: Upcoming) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <li>
      <time className="number dim" dateTime={new Date(at * 1000).toISOString()} title={formatUtc(at)}>{formatMoment(at)}</time>
      <span className="tone-waiting" aria-hidden>{getMark("held")}</span>
      <span className="number"><b>{title}</b> {describeDistance(at, now)}</span>
    </li>
  );
}

function Facts({ explanation }: { explanation: Explanation }) {
  const facts: [string, React.ReactNode][] = [
    ["State", <StatusBadge status={explanation.state} />],
    ["Id", <span className="mono">{explanation.id}</span>],
    ["User", <UserLink id={explanation.user_id} />],
    ["Type", <Link to="/notifications" search={{ type: explanation.type }}>{explanation.type}</Link>],
    ["Category", explanation.category],
    ["Priority", explanation.priority],
    ["Created", explanation.created_at ? <TimeText at={explanation.created_at} /> : ""],
    ["Expires", explanation.expires_at ? <TimeText at={explanation.expires_at} /> : ""],
    ["Rule", explanation.rule],
    ["Templates", Object.entries(explanation.templates).map(([channel, version]) => `${channel}: ${String(version)}`).join(", ")],
    ["Broadcast", explanation.broadcast],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Siblings({ explanation }: { explanation: Explanation }) {
  const siblings = listSiblings(explanation);
  if (!siblings.length) return null;
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">Belongs to it</Title>
      <dl className="facts">
        {siblings.map(({ id, relation }) => <div key={id} style={{ display: "contents" }}><dt>{relation}</dt><dd><Link className="mono" to="/notifications/$id" params={{ id }} search={{ user_id: explanation.user_id }}>{id}</Link></dd></div>)}
      </dl>
    </Paper>
  );
}

/** The same type to the same user, tried without sending: what would become of it now. */
function TryAgain({ explanation: { user_id, type } }: { explanation: Explanation }) {
  return <Button size="xs" variant="default" renderRoot={(props) => <Link {...props} to="/explain" search={{ user_id, type, tab: "try" }} />}>What would happen now</Button>;
}

function Copy({ label, text }: { label: string; text: string }) {
  return <CopyButton value={text}>{({ copied, copy }) => <Button size="xs" variant="default" onClick={copy}>{copied ? "Copied" : label}</Button>}</CopyButton>;
}

function CancelButton({ id, userId, isSent }: { id: string; userId?: string; isSent: boolean }) {
  const cancel = useMutation({
    mutationFn: async () => unwrap(await herold.DELETE("/v1/notifications/{notification_id}", { params: { path: { notification_id: id }, query: { user_id: userId || undefined } } })),
    onSuccess: () => notifications.show({ message: "It is being cancelled" }),
    onError: (error) => notifications.show({ color: "red", title: describeFailure(error).title, message: describeFailure(error).detail }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["explanation", id] }),
  });
  return <Button size="xs" color="red" variant="light" loading={cancel.isPending} onClick={() => cancel.mutate()}>{isSent ? "Cancel its next channel" : "Cancel it"}</Button>;
}

/** Reads what happens to it again when the live view begins or says that something did, and then until the history must have it, too. */
export function Refresher({ id }: { id: string }) {
  const timers = useRef<ReturnType<typeof setTimeout>[]>([]);
  const stop = useCallback(() => timers.current.splice(0).forEach(clearTimeout), []);
  const read = useCallback(() => {
    const readNow = () => void queryClient.invalidateQueries({ queryKey: ["explanation", id] });
    stop();
    readNow();
    timers.current = READ_AGAIN_MS.map((wait) => setTimeout(readNow, wait));
  }, [id, stop]);
  const state = useLive({ notification_id: id }, read);
  useEffect(() => {
    if (state === "live") read(); // the page was read before: what happened since then is not told
    return stop;
  }, [state, read, stop]);
  return null;
}
