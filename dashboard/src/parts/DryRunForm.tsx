import { Alert, Button, Group, MultiSelect, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { ProblemError, unwrap, type Schemas } from "herold-client";
import { useEffect, useState } from "react";
import { herold } from "../api";
import { readJson } from "../json";
import { parseLocalTime } from "../localTime";
import { CHANNELS } from "../statuses";
import { DryRunResult } from "./DryRunResult";
import { DataField, TypeField } from "./Forms";
import { ProposalNote } from "./NotificationFields";
import { FailurePanel } from "./Panels";
import { useProposedData } from "./useProposedData";

interface DryRunFormProps {
  userId: string;
  type: string;
  onType: (type: string) => void;
}

/** Asks what would become of a notification to a user, now or at another time. */
export function DryRunForm({ userId, type, onType }: DryRunFormProps) {
  const [data, setData] = useState("");
  const [channels, setChannels] = useState<string[]>([]);
  const [at, setAt] = useState("");
  const proposal = useProposedData({ type, template: "", data, onFill: setData });
  const parsed = readJson(data, {});
  const run = useMutation({
    mutationFn: async () => {
      const body = { user_id: userId, type, data: parsed.value ?? {}, ...(channels.length ? { channels } : {}) } as Schemas["Submission"];
      return unwrap(await herold.POST("/v1/notifications/preview", { params: { query: { at: parseLocalTime(at) } }, body }));
    },
  });
  const { reset } = run;
  useEffect(() => reset(), [reset, userId, type, data, channels, at]); // what it said is of another notification
  return (
    <div className="columns">
      <Stack gap="md">
        {run.error ? <Rejected error={run.error} onRetry={() => run.mutate()} /> : null}
        {run.data ? <DryRunResult preview={run.data} /> : null}
        {run.data || run.error ? null : <div className="empty dim">The router's own gates say what would become of it; nothing is sent.</div>}
      </Stack>
      <form onSubmit={(event) => { event.preventDefault(); run.mutate(); }}>
        <Stack gap="sm">
          <TypeField value={type} onChange={onType} />
          <DataField label="Data" value={data} error={parsed.problem} onChange={setData} description={<ProposalNote proposal={proposal} data={data} />} />
          <MultiSelect label="Channels" placeholder={channels.length ? "" : "As the rule says"} data={[...CHANNELS]} value={channels} onChange={setChannels} />
          <TextInput label="Submitted at" description="Without one now; at most 30 days ahead" type="datetime-local" value={at} onChange={(event) => setAt(event.currentTarget.value)} />
          <Group justify="flex-end"><Button type="submit" disabled={!userId || !type || Boolean(parsed.problem)} loading={run.isPending}>Try it</Button></Group>
        </Stack>
      </form>
    </div>
  );
}

/** What submitting it would be rejected for: the field errors that the producer would get. */
function Rejected({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (!(error instanceof ProblemError) || !error.problem.errors?.length) return <FailurePanel error={error} onRetry={onRetry} />;
  return (
    <Alert role="alert" variant="light" color="red" title="It would not be accepted">
      {error.problem.errors.map((one) => <div key={one.path}><b>{one.path}</b>: {one.detail}</div>)}
    </Alert>
  );
}
