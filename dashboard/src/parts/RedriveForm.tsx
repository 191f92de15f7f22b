import { Button, Checkbox, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useState } from "react";
import { herold, queryClient } from "../api";
import { formatCode, formatCount } from "../format";
import { makeKey } from "../requestKeys";
import { FailurePanel, SkeletonRows } from "./Panels";

const USUAL_RATE = 100; // dead letters per second

/** Shows what a redrive of the open dead letters that match would do, and starts it with a reason. */
export function RedriveForm({ filter, onDone }: { filter: Schemas["DeadLetterFilter"]; onDone: () => void }) {
  const [key, setKey] = useState(makeKey); // a redrive whose answer was lost is not begun twice
  const [reason, setReason] = useState("");
  const [rate, setRate] = useState<number | string>(USUAL_RATE);
  const [includesDelivered, setIncludesDelivered] = useState(false);
  const change = <Value,>(set: (value: Value) => void) => (value: Value) => {
    set(value);
    setKey(makeKey()); // it is another redrive
  };
  const selection: Schemas["RedriveRequest"] = { filter: { ...filter, state: "open" as const }, include_delivered: includesDelivered };
  const preview = useQuery({
    queryKey: ["redrive preview", selection],
    queryFn: async () => unwrap(await herold.POST("/v1/redrives", { body: { ...selection, reason: "preview", preview: true } })) as Schemas["RedrivePreview"],
    staleTime: 0,
  });
  const start = useMutation({
    mutationFn: async () => {
      const body = { ...selection, reason, rate: Number(rate) || USUAL_RATE };
      return unwrap(await herold.POST("/v1/redrives", { params: { header: { "Idempotency-Key": key } }, body }));
    },
    onSuccess: () => {
      notifications.show({ message: "The redrive has begun" });
      void queryClient.invalidateQueries({ queryKey: ["redrives"] });
      onDone();
    },
  });
  return (
    <Stack gap="sm">
      {preview.isPending ? <SkeletonRows count={2} /> : null}
      {preview.error ? <FailurePanel error={preview.error} onRetry={() => void preview.refetch()} /> : null}
      {preview.data ? <Results preview={preview.data} /> : null}
      <Checkbox label="Also what has arrived after all, or on another channel" checked={includesDelivered} onChange={(event) => change(setIncludesDelivered)(event.currentTarget.checked)} />
      <NumberInput label="Dead letters per second" min={1} max={10_000} value={rate} onChange={change(setRate)} />
      <TextInput label="Reason, for the audit log" value={reason} onChange={(event) => change(setReason)(event.currentTarget.value)} />
      {start.error ? <FailurePanel error={start.error} onRetry={() => start.mutate()} /> : null}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>Cancel</Button>
        <Button disabled={!reason.trim() || !preview.data?.count} loading={start.isPending} onClick={() => start.mutate()}>Redrive</Button>
      </Group>
    </Stack>
  );
}

function Results({ preview }: { preview: Schemas["RedrivePreview"] }) {
  const results = Object.entries(preview.results);
  return (
    <div>
      <Text size="sm">{formatCount(preview.count)} open dead letters{preview.examined_count < preview.count ? `; of the ${formatCount(preview.examined_count)} that were looked at:` : ":"}</Text>
      <dl className="facts">
        {results.map(([name, count]) => <div key={name} style={{ display: "contents" }}><dt>{formatCode(name)}</dt><dd className="number">{formatCount(Number(count))}</dd></div>)}
      </dl>
    </div>
  );
}
