import "../sending.css";

import { Code, Paper, Stack, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { unwrap, type Schemas } from "herold-client";
import { matchVersion } from "../actions";
import { herold } from "../api";
import { describeRate } from "../broadcasts";
import { formatCount } from "../format";
import { ActionButton, DialogButton } from "../parts/Actions";
import { BroadcastTable } from "../parts/BroadcastTable";
import { Page } from "../parts/Page";
import { EmptyPanel } from "../parts/Panels";
import { QueryPanel } from "../parts/QueryPanel";
import { RecordList, usePagedList } from "../parts/RecordList";
import { RunTimes, ScheduleForm } from "../parts/ScheduleForm";
import { ScheduleState } from "../parts/ScheduleState";
import { TabBar } from "../parts/TabBar";
import { TimeText } from "../parts/TimeText";
import { useCan } from "../session";

type Schedule = Schemas["ScheduleDetails"];

const route = getRouteApi("/schedules/$name");
const TABS = [{ name: "runs", label: "Runs" }, { name: "edit", label: "Edit" }] as const;
const MISSED = { once: "one run for all", all: "each", skip: "none" };

/** One schedule: when it runs, what it has started, and what it is. */
export function SchedulePage() {
  const { name } = route.useParams();
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const canWrite = useCan("schedules:write");
  const schedule = useQuery({
    queryKey: ["schedule", name],
    queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/schedules/{name}", { params: { path: { name } }, signal })),
  });
  return (
    <Page title={name} actions={schedule.data ? <Controls schedule={schedule.data} canWrite={canWrite} /> : null}>
      <QueryPanel query={schedule}>
        {(data) => canWrite ? (
          <TabBar label="schedule" tabs={TABS} value={tab ?? "runs"} onChange={(value) => void navigate({ search: { tab: value } })}>
            {tab === "edit" ? (
              <ScheduleForm schedule={data} onSaved={() => {
                notifications.show({ message: "It is saved" });
                void navigate({ search: {} });
              }} />
            ) : <Overview schedule={data} />}
          </TabBar>
        ) : <Overview schedule={data} />}
      </QueryPanel>
    </Page>
  );
}

function Controls({ schedule, canWrite }: { schedule: Schedule; canWrite: boolean }) {
  const navigate = route.useNavigate();
  const canControl = useCan("schedules:control");
  const path = { name: schedule.name }, keys = [["schedule", schedule.name], ["schedules"], ["schedule runs", schedule.name]];
  const act = (action: "pause" | "resume") => async () => unwrap(await herold.POST(`/v1/schedules/{name}/${action}`, { params: { path }, body: { reason: "" } }));
  return (
    <>
      {canControl && schedule.state === "active" ? <ActionButton label="Pause" keys={keys} run={act("pause")} /> : null}
      {canControl && schedule.state === "paused" ? <ActionButton label="Resume" keys={keys} run={act("resume")} /> : null}
      {canControl ? (
        <DialogButton label="Run it now" title={`Run ${schedule.name} now?`} keys={keys} done="The run has started" run={async (reason) => unwrap(await herold.POST("/v1/schedules/{name}/runs", { params: { path }, body: { reason } }))}>
          It starts a broadcast to {schedule.audience || `${formatCount(schedule.user_count)} users`} at once, besides the runs at its times.
        </DialogButton>
      ) : null}
      {canWrite ? (
        <DialogButton label="Delete" color="red" variant="light" title={`Delete ${schedule.name}?`} keys={[["schedules"]]} outdated={[["schedule", schedule.name]]} done="It is deleted" onDone={() => void navigate({ to: "/schedules" })}
          run={async () => unwrap(await herold.DELETE("/v1/schedules/{name}", { params: { path, header: matchVersion(schedule.version) } }))}>
          It never runs again. Runs that have started go on, as broadcasts.
        </DialogButton>
      ) : null}
    </>
  );
}

function Overview({ schedule }: { schedule: Schedule }) {
  return (
    <div className="columns">
      <Runs name={schedule.name} />
      <Stack gap="md">
        <Paper withBorder p="md" component="section" aria-label="next runs">
          <Title order={2} mb="xs">Next runs</Title>
          <RunTimes times={schedule.state === "active" ? schedule.next_runs : []} timeZone={schedule.time_zone} />
        </Paper>
        <Paper withBorder p="md"><Facts schedule={schedule} /></Paper>
        <Paper withBorder p="md" component="section" aria-label="data">
          <Title order={2} mb="xs">Data</Title>
          <Code block tabIndex={0}>{JSON.stringify(schedule.notification.data ?? {}, null, 2)}</Code>
        </Paper>
      </Stack>
    </div>
  );
}

function Facts({ schedule }: { schedule: Schedule }) {
  return (
    <dl className="facts">
      <dt>State</dt><dd><ScheduleState state={schedule.state} /></dd>
      <dt>Times</dt><dd><span className="mono">{schedule.cron}</span> {schedule.time_zone}</dd>
      {schedule.start_at ? <><dt>From</dt><dd><TimeText at={schedule.start_at} /></dd></> : null}
      {schedule.end_at ? <><dt>Until</dt><dd><TimeText at={schedule.end_at} /></dd></> : null}
      <dt>Missed runs</dt><dd>{MISSED[schedule.missed]}</dd>
      <dt>To</dt><dd>{schedule.audience ? <Link to="/audiences/$name" params={{ name: schedule.audience }}>{schedule.audience}</Link> : `${formatCount(schedule.user_count)} users by name`}</dd>
      <dt>Type</dt><dd>{schedule.notification.type}</dd>
      <dt>Priority</dt><dd>{schedule.priority ?? "as the rule says"}</dd>
      <dt>Rate</dt><dd className="number">{describeRate(schedule.rate)}</dd>
      <dt>By</dt><dd>{schedule.created_by}</dd>
      <dt>Changed</dt><dd><TimeText at={schedule.updated_at} /></dd>
    </dl>
  );
}

function Runs({ name }: { name: string }) {
  const list = usePagedList(["schedule runs", name], async (cursor, signal) => unwrap(await herold.GET("/v1/schedules/{name}/runs", { params: { path: { name }, query: { cursor } }, signal })));
  return (
    <section aria-label="runs">
      <RecordList list={list} empty={<EmptyPanel title="It has not run yet">Each run is a broadcast.</EmptyPanel>}>{(rows) => <BroadcastTable rows={rows} />}</RecordList>
    </section>
  );
}
