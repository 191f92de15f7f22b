import { Code, Drawer, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { useState, type ReactNode } from "react";
import { herold } from "../api";
import { writePlace } from "../deadLetters";
import { formatCode, formatCount } from "../format";
import { writeJson } from "../json";
import { DeadLetterActions } from "./DeadLetterActions";
import { LetterState } from "./NotificationDeadLetters";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";
import { UserLink } from "./UserLink";
import { useMasks } from "./useMasks";

type Details = Schemas["DeadLetterDetails"];

/** One dead letter beside the list: what it is, its record with masks, and what can be done. */
export function DeadLetterDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const [masked, masks] = useMasks("the record");
  const [isOpen, setOpen] = useState(true);
  const details = useQuery({
    queryKey: ["dead letter", id, masked],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/dead-letters/{dead_letter_id}", { params: { path: { dead_letter_id: id }, query: { exact: !masked } }, signal })),
    placeholderData: (before) => before,
    refetchOnWindowFocus: false, // each reading without masks is audited
  });
  return (
    <Drawer opened={isOpen} onClose={() => setOpen(false)} onExitTransitionEnd={onClose} position="right" size="xl" title="Dead letter" closeButtonProps={{ "aria-label": "Close" }} attributes={{ header: { role: "group" } }}>
      <QueryPanel query={details}>
        {(data) => (
          <Stack gap="md">
            <Title order={2} style={{ overflowWrap: "anywhere" }}>{formatCode(data.dead_letter.reason)}</Title>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>{data.dead_letter.error}</Text>
            <DeadLetterActions letter={data.dead_letter} />
            <Facts details={data} />
            <Record details={data} masks={masks} />
          </Stack>
        )}
      </QueryPanel>
    </Drawer>
  );
}

function Facts({ details: { dead_letter: letter } }: { details: Details }) {
  const facts: [string, ReactNode][] = [
    ["State", <LetterState letter={letter} />],
    ["Ended", letter.ended_at ? <TimeText at={letter.ended_at} /> : ""],
    ["Died", <TimeText at={letter.created_at} />],
    ["Where", [letter.stage, letter.channel, letter.account].filter(Boolean).join(" · ")],
    ["Type", letter.type],
    ["User", letter.user_id ? <UserLink id={letter.user_id} /> : ""],
    ["Notification", letter.notification_id ? <Link className="mono" to="/notifications/$id" params={{ id: letter.notification_id }} search={{ user_id: letter.user_id || undefined }}>{letter.notification_id}</Link> : ""],
    ["Attempts", letter.attempts ? formatCount(letter.attempts) : ""],
    ["Last outcome", [letter.outcome, letter.provider_code ? `code ${letter.provider_code}` : ""].filter(Boolean).join(", ")],
    ["Redriven before", letter.redrive_count ? `${formatCount(letter.redrive_count)} times` : ""],
    ["Record", <span className="mono">{writePlace(letter.topic, letter.partition, letter.offset)}</span>],
    ["Came from", <span className="mono">{writePlace(letter.source_topic, letter.source_partition, letter.source_offset)}</span>],
    ["Id", <span className="mono">{letter.id}</span>],
  ];
  return <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Record({ details, masks }: { details: Details; masks: ReactNode }) {
  const { value, decode_error, hex_view, dead_letter } = details;
  return (
    <section>
      <Group justify="space-between" mb="xs" mih={30}>
        <Title order={2}>Its record <Text span size="xs" fw={400} className="dim number">{formatCount(dead_letter.value_bytes)} bytes{dead_letter.is_truncated ? ", cut" : ""}</Text></Title>
        {masks}
      </Group>
      {decode_error ? <Text size="sm" className="dim" mb="xs" style={{ overflowWrap: "anywhere" }}>It cannot be read as JSON: {decode_error}</Text> : null}
      <Code block tabIndex={0}>{decode_error ? hex_view.join("\n") : writeJson(value)}</Code>
    </section>
  );
}
