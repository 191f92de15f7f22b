import { Alert, Paper, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "herold-client";
import { formatCode, formatCount, formatTime } from "../format";
import { getTone } from "../statuses";
import { ContentView } from "./ContentView";
import { Gates } from "./Gates";

const COLORS = { good: "green", waiting: "yellow", neutral: "gray", bad: "red" };

/** What would become of a notification: the decision in a sentence, what would be sent, and what each gate saw. */
export function DryRunResult({ preview }: { preview: Schemas["NotificationPreviewResponse"] }) {
  const unknown = Object.entries(preview.unknown);
  return (
    <Stack gap="md">
      <Alert role="note" variant="light" color={COLORS[getTone(preview.state)]} title={preview.summary}>
        {preview.remedy ? <>To change it: {preview.remedy}. </> : null}
        Nothing was sent or stored. Judged at {formatTime(preview.judged_at)}{preview.rule ? <> by the rule {preview.rule}</> : null}.
      </Alert>
      {unknown.length ? (
        <Alert role="alert" variant="light" color="yellow" title="Not everything could be read">
          {unknown.map(([table, problem]) => <div key={table}>{formatCode(table)}: {String(problem)}. It is judged as if there was nothing in it.</div>)}
        </Alert>
      ) : null}
      {preview.deliveries.map((delivery, number) => (
        <Paper key={number} withBorder p="md">
          <Title order={2} mb={4}>{delivery.channel} to {delivery.address}</Title>
          <Text size="xs" className="dim number" mb="xs">{[delivery.template, delivery.variant, `${formatCount(delivery.size)} bytes`].filter(Boolean).join(" · ")}</Text>
          <ContentView content={delivery.content} sms={delivery.sms} />
        </Paper>
      ))}
      <Paper withBorder p="md"><Title order={2} mb="xs">Gates</Title><Gates gates={preview.gates} notReached={preview.gates_not_reached} /></Paper>
    </Stack>
  );
}
