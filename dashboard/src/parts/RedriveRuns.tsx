import { Alert, Button, Group, Progress } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { herold, queryClient } from "../api";
import { formatCode, formatCount } from "../format";
import { usePerson } from "../session";

type Redrive = Schemas["Redrive"];
type Action = "pause" | "resume" | "cancel";

const ACTIONS: Partial<Record<Redrive["state"], Action[]>> = { pending: ["cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"] };
const POLL_MS = 1_000;

/** The redrives that are not over, with their progress; a reload of the page loses none. */
export function RedriveRuns() {
  const runs = useQuery({
    queryKey: ["redrives"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/redrives", { params: { query: { limit: 10 } }, signal })),
    refetchInterval: (query) => (query.state.data?.items.some((run) => ACTIONS[run.state]) ? POLL_MS : false),
  });
  return runs.data?.items.filter((run) => ACTIONS[run.state]).map((run) => <Run key={run.id} run={run} />);
}

function Run({ run }: { run: Redrive }) {
  const canControl = usePerson().permissions.includes("redrives:write");
  const skipped = Object.values(run.skipped_counts).reduce<number>((sum, count) => sum + Number(count), 0);
  const done = run.redriven_count + skipped;
  const act = useMutation({
    mutationFn: async (action: Action) => unwrap(await herold.POST(`/v1/redrives/{redrive_id}/${action}`, { params: { path: { redrive_id: run.id } }, body: {} })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["redrives"] }),
  });
  return (
    <Alert role="note" variant="light" color="indigo" mb="sm" title={`Redrive ${formatCode(run.state)}: ${run.reason}`}>
      <Progress value={run.total_count ? (100 * done) / run.total_count : 0} aria-label="progress" mb="xs" />
      <Group justify="space-between">
        <span className="number">{formatCount(run.redriven_count)} sent again, {formatCount(skipped)} skipped, of {formatCount(run.total_count)}</span>
        <Group gap="xs">
          {canControl ? ACTIONS[run.state]?.map((action) => (
            <Button key={action} size="compact-xs" variant="default" loading={act.isPending} onClick={() => act.mutate(action)}>{ACTION_LABELS[action]}</Button>
          )) : null}
        </Group>
      </Group>
    </Alert>
  );
}

const ACTION_LABELS: Record<Action, string> = { pause: "Pause", resume: "Resume", cancel: "Cancel" };
