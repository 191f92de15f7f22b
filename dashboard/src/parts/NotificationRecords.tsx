import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { Fragment } from "react";
import { herold } from "../api";
import { describeSms } from "../content";
import { writePlace } from "../deadLetters";
import { formatCount, formatMoment, formatUtc } from "../format";
import { describeRecord, explainMissing, explainNothing, listMasked, type NotificationRecord } from "../records";
import { useCan } from "../session";
import { MessageView } from "./MessageView";
import { SkeletonRows } from "./Panels";
import { QueryPanel } from "./QueryPanel";
import { RecordTable, type Column } from "./RecordTable";
import { useNow } from "./TimeText";
import { useMasks } from "./useMasks";

type Explanation = Schemas["ExplanationResponse"];
type Content = Schemas["RecordedContent"];

/** What was sent, and where the records of the notification are in Kafka, as far as Kafka still has them. */
export function NotificationRecords({ explanation }: { explanation: Explanation }) {
  const { id, user_id, state, deliveries } = explanation;
  const [masked, masks] = useMasks("the message");
  const steps = deliveries.reduce((count, delivery) => count + (delivery.attempts?.length ?? 0), 0); // each of them has records of its own
  const records = useQuery({
    queryKey: ["notification records", id, user_id, masked, state, steps],
    queryFn: async ({ signal }) =>
      unwrap(await herold.GET("/v1/notifications/{notification_id}/records", { params: { path: { notification_id: id }, query: { user_id: user_id || undefined, masked } }, signal })),
    placeholderData: (before, query) => (query?.queryKey[3] === masked ? keepPreviousData(before) : undefined),
    staleTime: 60_000,
    refetchOnWindowFocus: false, // a reading without masks is audited
  });
  return (
    <>
      <Paper withBorder p="md" component="section" aria-label="what was sent">
        <Group justify="space-between" mb="xs"><Title order={2}>What was sent</Title>{records.data?.contents.length ? masks : null}</Group>
        <QueryPanel query={records} outline={<SkeletonRows count={4} />}>
          {({ contents, is_complete }) => <Messages explanation={explanation} contents={contents} isComplete={is_complete} masked={masked} />}
        </QueryPanel>
      </Paper>
      {records.data ? <Places records={records.data.records} deliveries={deliveries} isComplete={records.data.is_complete} /> : null}
    </>
  );
}

function Messages({ explanation, contents, isComplete, masked }: { explanation: Explanation; contents: Content[]; isComplete: boolean; masked: boolean }) {
  const now = useNow();
  const { deliveries, created_at, state } = explanation;
  if (!deliveries.length) return <Text size="sm" className="dim">{explainNothing(state)}</Text>;
  return (
    <Stack gap="lg">
      {deliveries.map(({ id, channel }) => {
        const content = contents.find((one) => one.delivery_id === id);
        return content ? <Message key={id} content={content} masked={masked} /> : <div key={id}><Text size="sm" fw={600}>{channel}</Text><Text size="sm" className="dim">{explainMissing(created_at, now, isComplete)}</Text></div>;
      })}
    </Stack>
  );
}

function Message({ content, masked }: { content: Content; masked: boolean }) {
  const template = /^(.+?)@/.exec(content.template)?.[1];
  return (
    <article aria-label={`${content.channel} to ${content.address}`}>
      <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>{content.channel} to {content.address || "an address that is gone"}</Text>
      <Text size="xs" className="dim number facts-line" mb="xs">
        {content.template ? <TemplateName name={template} label={content.template} /> : null}
        {[content.variant && `variant ${content.variant}`, content.size ? `${formatCount(content.size)} bytes` : "", content.sms ? describeSms(content.sms) : ""].filter(Boolean).map((text) => <span key={text}> · {text}</span>)}
      </Text>
      {content.problem ? <Text size="sm" className="dim">There is no text: {content.problem}.</Text> : masked ? <Shape content={content.content} /> : <MessageView channel={content.channel} content={content.content} />}
    </article>
  );
}

function TemplateName({ name, label }: { name?: string; label: string }) {
  const canRead = useCan("templates:read");
  return name && canRead ? <Link className="link" to="/templates/$name" params={{ name }} search={{ tab: "versions" }}>{label}</Link> : label;
}

function Shape({ content }: { content: Record<string, unknown> }) {
  const canShow = useCan("users:unmask");
  return (
    <>
      <dl className="facts">{listMasked(content).map(([label, shape]) => <Fragment key={label}><dt>{label}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{shape}</dd></Fragment>)}</dl>
      {canShow ? null : <Text size="xs" className="dim" mt="xs">Texts are for who may see personal data (users:unmask). The template says what is the same for everyone.</Text>}
    </>
  );
}

function Places({ records, deliveries, isComplete }: { records: NotificationRecord[]; deliveries: Explanation["deliveries"]; isComplete: boolean }) {
  const columns: Column<NotificationRecord>[] = [
    { title: "At", width: "8.5rem", render: (record) => <time className="number" dateTime={new Date(record.at * 1000).toISOString()} title={formatUtc(record.at)}>{formatMoment(record.at)}</time> },
    { title: "Record", width: "13.5rem", render: (record) => describeRecord(record, deliveries) },
    { title: "Topic / partition @ offset", render: (record) => <Place record={record} /> },
  ];
  return (
    <Paper withBorder p="md" className="places">
      <Title order={2} mb="xs">In Kafka</Title>
      {records.length ? <RecordTable label="records in Kafka" rows={records} columns={columns} getKey={(record) => `${record.topic} ${record.partition} ${record.offset}`} /> : null}
      <Text size="xs" className="dim" mt={records.length ? "xs" : 0}>
        {records.length ? "" : "Kafka has no record of it. "}Deliveries are kept for three days, all other records for seven.{isComplete ? "" : " The search was ended by its limit: there may be more."}
      </Text>
    </Paper>
  );
}

function Place({ record: { topic, partition, offset, size } }: { record: NotificationRecord }) {
  const place = writePlace(topic, partition, offset);
  return <span className="mono record-place" title={`${place}, ${formatCount(size)} bytes`}><span>{topic}</span><span>{place.slice(topic.length)}</span></span>;
}
