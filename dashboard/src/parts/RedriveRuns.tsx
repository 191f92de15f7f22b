import { Alert, Button, Group, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap, type Schemas } from "herold-client";
import { useEffect } from "react";
import { useAction } from "../actions";
import { herold, queryClient } from "../api";
import { formatCode, formatCount } from "../format";
import { usePerson } from "../session";

type Redrive = Schemas["Redrive"];
type Action = "pause" | "resume" | "cancel";

const ACTIONS: Partial<Record<Redrive["state"], Action[]>> = { pending: ["pause", "cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"], failed: ["resume"] };
const POLL_MS = 2_000;
const NEWEST = 100;

const DAY = 86_400;
const OVER = new Set<Redrive["state"]>(["done", "cancelled"]);

/** Those of the newest redrives that are not over, or failed within a day, with their progress; a reload of the page loses none. */
export function RedriveRuns() {
  const runs = useQuery({
    queryKey: ["redrives"],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/redrives", { params: { query: { limit: NEWEST } }, signal })).items.filter(isShown),
    refetchInterval: (query) => (query.state.data?.some((run) => run.state !== "failed") ? POLL_MS : false),
  });
  const going = runs.data?.filter((run) => run.state === "running" || run.state === "pending").length ?? 0;
  useEffect(() => void queryClient.invalidateQueries({ queryKey: ["causes"] }), [going]); // what was redriven is open no more
  return runs.data?.map((run) => <Run key={run.id} run={run} />);
}

const isShown = (run: Redrive) => !OVER.has(run.state) && (run.state !== "failed" || (run.ended_at ?? run.created_at) > Date.now() / 1000 - DAY);

function Run({ run }: { run: Redrive }) {
  const canControl = usePerson().permissions.includes("redrives:write");
  const skipped = Object.values(run.skipped_counts).reduce<number>((sum, count) => sum + Number(count), 0);
  const done = run.redriven_count + skipped;
  const act = useAction(
    async (action: Action) => unwrap(await herold.POST(`/v1/redrives/{redrive_id}/${action}`, { params: { path: { redrive_id: run.id } }, body: {} })),
    { refresh: [["redrives"]] },
  );
  return (
    <Alert role="note" variant="light" color={run.state === "failed" ? "red" : "indigo"} mb="sm" title={`Redrive ${formatCode(run.state)}: ${run.reason}`}>
      {run.error ? <p>{run.error}</p> : null}
      <Progress value={run.total_count ? (100 * done) / run.total_count : 0} aria-label="progress" mb="xs" />
      <Group justify="space-between">
        <span className="number">{formatCount(run.redriven_count)} redriven, {formatCount(skipped)} skipped, of {formatCount(run.total_count)}</span>
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
