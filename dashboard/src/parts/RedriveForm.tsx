import { Button, Checkbox, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import { formatCode, formatCount } from "../format";
import { FailurePanel, SkeletonRows } from "./Panels";

const USUAL_RATE = 100; // dead letters per second

/** Shows what a redrive of a cause would do, dead letter by dead letter, and starts it with a reason. */
export function RedriveForm({ cause, onDone }: { cause: string; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [rate, setRate] = useState<number | string>(USUAL_RATE);
  const [includesDelivered, setIncludesDelivered] = useState(false);
  const selection = { filter: { cause, state: "open" as const }, include_delivered: includesDelivered };
  const preview = useQuery({
    queryKey: ["redrive preview", selection],
    queryFn: async () => unwrap(await herold.POST("/v1/redrives", { body: { ...selection, reason: "preview", preview: true } as never })) as unknown as Preview,
    staleTime: 0,
  });
  const start = useMutation({
    mutationFn: async () => unwrap(await herold.POST("/v1/redrives", { body: { ...selection, reason, rate: Number(rate) || USUAL_RATE } as never })),
    onSuccess: () => {
      notifications.show({ message: "They are being sent again" });
      void queryClient.invalidateQueries({ queryKey: ["redrives"] });
      onDone();
    },
  });
  return (
    <Stack gap="sm">
      {preview.isPending ? <SkeletonRows count={2} /> : null}
      {preview.error ? <FailurePanel error={preview.error} onRetry={() => void preview.refetch()} /> : null}
      {preview.data ? <Results preview={preview.data} /> : null}
      <Checkbox label="Also what has arrived after all, or on another channel" checked={includesDelivered} onChange={(event) => setIncludesDelivered(event.currentTarget.checked)} />
      <NumberInput label="Dead letters per second" min={1} max={10_000} value={rate} onChange={setRate} />
      <TextInput label="Reason, for the audit log" value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      {start.error ? <FailurePanel error={start.error} onRetry={() => start.mutate()} /> : null}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>Leave them</Button>
        <Button disabled={!reason.trim() || !preview.data?.count} loading={start.isPending} onClick={() => start.mutate()}>Send again</Button>
      </Group>
    </Stack>
  );
}

interface Preview {
  count: number;
  examined_count: number;
  results: Record<string, number>;
}

function Results({ preview }: { preview: Preview }) {
  const results = Object.entries(preview.results);
  return (
    <div>
      <Text size="sm">{formatCount(preview.count)} open dead letters{preview.examined_count < preview.count ? `; of the ${formatCount(preview.examined_count)} that were looked at:` : ":"}</Text>
      <dl className="facts">
        {results.map(([name, count]) => <div key={name} style={{ display: "contents" }}><dt>{formatCode(name)}</dt><dd className="number">{formatCount(count)}</dd></div>)}
      </dl>
    </div>
  );
}
